// What a command of brig-runtime is. Each has a file of its own that defines one of these; the
// table of all of them is in command_line.cpp.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "runtime/cli/arguments.h"
#include "runtime/runtime.h"

namespace brig::runtime {

struct Context {
    Runtime& runtime;
    std::string root;            ///< where `runtime` keeps its state
    bool root_is_given = false;  ///< by --root
    bool systemd_cgroup = false;
};

struct WordCount {
    std::size_t least = 0, most = 0;
};
constexpr WordCount one_word{1, 1};
constexpr WordCount any_words{0, static_cast<std::size_t>(-1)};

struct Command {
    std::string_view name;
    std::string_view usage;    ///< the words it takes
    std::string_view summary;  ///< one line
    std::span<const Option> options = {};
    WordCount words = one_word;
    Placement placement = Placement::anywhere;
    bool makes_processes = false;
    int failure = 1;                                   ///< exit code after an error
    int (*run)(Context&, const Arguments&) = nullptr;  ///< returns the exit code
};

extern const Command checkpoint_command, create_command, delete_command, events_command,
    exec_command, features_command, kill_command, list_command, pause_command, ps_command,
    restore_command, resume_command, run_command, spec_command, start_command, state_command,
    update_command;

/// Standard output, whole.
void print(std::string_view text);

}  // namespace brig::runtime
