// Programs of the host that are asked something: zfs(8), ps(1), busctl(1), pfctl(8), helpers that
// keep passwords.
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
    std::string input = {};  ///< its standard input, as a file
    /// Whether what it says on standard error is kept, or goes where ours goes.
    bool keep_messages = false;
    std::size_t max_output = std::size_t{16} << 20U;  ///< bytes
};

struct ProgramResult {
    bool succeeded;  ///< it exited with 0
    std::string output;
    std::string messages;  ///< the end of what it said on standard error, if kept
};

/// Runs it and waits for its end. Throws SysError naming the program
/// when it cannot be started ({not_found} when there is none), Error when it writes too much.
ProgramResult run_program(const ProgramCall& call);

}  // namespace brig::os
