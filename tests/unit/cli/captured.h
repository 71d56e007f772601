// Runs the command line in this process with its output captured.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/file.h"
#include "cli/main.h"

namespace brig::test {

struct Outcome {
    int code = 0;
    std::string out, err;
};

/// Points one descriptor at a file for a while.
class Redirect {
public:
    Redirect(int target, const std::string& path, int flags)
        : target_(target), saved_(::dup(target)) {
        const Fd file = open_file(path, flags, 0600);
        ::dup2(file.get(), target_);
    }
    Redirect(const Redirect&) = delete;
    Redirect& operator=(const Redirect&) = delete;
    ~Redirect() {
        ::dup2(saved_, target_);
        ::close(saved_);
    }

private:
    int target_;
    int saved_;
};

/// `socket`: the engine's, or a path where none is.
inline Outcome brig_with(const std::string& socket, std::vector<std::string> arguments,
                         const std::string& input = "") {
    const TempDir directory("/tmp", "brig-cli-test");
    const std::string in = directory.path() / "in";
    const std::string out = directory.path() / "out";
    const std::string err = directory.path() / "err";
    write_file_atomic(in, input, 0600, Durability::rebuildable);
    arguments.insert(arguments.begin(), {"-H", "unix://" + socket});
    Outcome outcome;
    {
        const Redirect from_in(STDIN_FILENO, in, O_RDONLY);
        const Redirect to_out(STDOUT_FILENO, out, O_WRONLY | O_CREAT | O_TRUNC);
        const Redirect to_err(STDERR_FILENO, err, O_WRONLY | O_CREAT | O_TRUNC);
        outcome.code = cli::main(arguments);
    }
    outcome.out = read_file(out);
    outcome.err = read_file(err);
    return outcome;
}

}  // namespace brig::test
