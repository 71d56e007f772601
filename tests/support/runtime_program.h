// The program brig-runtime beside the test's own, for what only its command line can show.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "support/bundle.h"

namespace brig::test {

inline fs::path runtime_program() {
    return fs::read_symlink("/proc/self/exe").parent_path() / "brig-runtime";
}

/// Its exit code; what it and the container print goes to `output` (a file), if that is given.
inline int run_program(std::vector<std::string> words, const std::string& output = {}) {
    words.insert(words.begin(), runtime_program().string());
    std::vector<char*> args;
    for (std::string& word : words) args.push_back(word.data());
    args.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    if (!output.empty()) {
        ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(),
                                           O_WRONLY | O_CREAT | O_TRUNC, 0600);
        ::posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    }
    pid_t pid = 0;
    const int failed = ::posix_spawn(&pid, args[0], &actions, nullptr, args.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    return failed != 0 ? -1 : Bundle::wait(pid);
}

}  // namespace brig::test
