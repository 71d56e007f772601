// What a process is given between fork and exec: session, limits, identity, program.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "os/sandbox.h"

namespace brig::os {

class ProcessSetup {
public:
    /// Validates in the caller, so that most mistakes are reported before anything is made.
    explicit ProcessSetup(const ProcessSpec& process);

    /// Signal dispositions and a session of its own.
    static void detach_from_parent();
    /// Closes all but 0–2, the `preserved` ones after them and `keep`.
    static void close_inherited(std::vector<int> keep, int preserved);
    void apply_limits() const;
    void enter_working_directory() const;
    void change_identity() const;
    /// Throws not_found or permission_denied in docker's words.
    void find_program();
    [[noreturn]] void execute(int preserved) const;
    /// The program's, complete after find_program().
    [[nodiscard]] const std::vector<std::string>& environment() const { return environment_; }

private:
    const ProcessSpec& process_;
    std::string program_;
    std::vector<std::string> environment_;
};

}  // namespace brig::os
