// Programs of the host that are asked something: zfs(8), ps(1), busctl(1).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace brig::os {

struct ProgramCall {
    /// The program, by its path or to be found in PATH, and its arguments.
    std::vector<std::string> words;
    /// "NAME=VALUE"; ours if absent.
    std::optional<std::vector<std::string>> environment = std::nullopt;
    /// Whether what it says on standard error is part of the output, or goes where ours goes.
    bool errors = false;
    std::size_t max_output = std::size_t{16} << 20U;  ///< bytes
};

struct ProgramResult {
    bool succeeded;  ///< it exited with 0
    std::string output;
};

/// Runs it with an empty standard input, and waits for its end. Throws SysError naming the program
/// when it cannot be started ({not_found} when there is none), Error when it writes too much.
ProgramResult run_program(const ProgramCall& call);

}  // namespace brig::os
