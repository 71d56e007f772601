// A registry by SSH: `ssh HOST brig registry serve --stdio`, spoken to as if it were a server on a
// unix socket: that is what libcurl can connect to, and each connection becomes a session of its
// own.
#pragma once

#include <sys/types.h>

#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "base/file.h"
#include "oci/ssh_name.h"

namespace brig::registry {

/// What is run, and with which arguments, on this side. `command` is ssh and options of the
/// administrator's.
std::vector<std::string> ssh_arguments(const std::vector<std::string>& command,
                                       const oci::SshAddress& address);

/// A socket, and the sessions behind it. Ends them at the end of its life.
class SshLine {
public:
    SshLine(const std::vector<std::string>& command, const oci::SshAddress& address);
    SshLine(const SshLine&) = delete;
    SshLine& operator=(const SshLine&) = delete;
    ~SshLine();

    [[nodiscard]] std::string path() const { return (directory_.path() / "line").string(); }
    /// Ends the sessions; what the last one that did not work has to say about it, in a line.
    std::optional<std::string> failure();

private:
    struct Session {
        pid_t pid;
        Fd errors;
    };
    void accept_all();
    void begin(Fd connection);
    void end_all();
    void note(int status, const std::string& errors);

    std::vector<std::string> words_;
    std::string host_;
    TempDir directory_;
    Fd listener_;
    FdPair stop_;
    std::mutex mutex_;
    std::vector<Session> sessions_;
    std::optional<std::string> failure_;
    std::thread thread_;
};

}  // namespace brig::registry
