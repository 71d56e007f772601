// A throw-away OCI bundle around busybox-static, and running it to its end.
#pragma once

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/random.h"
#include "os/process.h"
#include "runtime/runtime.h"

namespace brig::test {
namespace fs = std::filesystem;

struct Outcome {
    int status = -1;  ///< 128 + n for a signal
    std::string output;
};

class Bundle {
public:
    /// Why these tests cannot run here, or nothing.
    static const char* missing() {
        if (::geteuid() != 0) return "needs root";
        if (!fs::exists("/bin/busybox")) return "needs busybox-static";
        return nullptr;
    }

    explicit Bundle(std::vector<std::string> args)
        : directory_("/tmp", "brig-test"), id("t" + random_hex(6)), spec(runtime::default_spec()) {
        spec.process.args = std::move(args);
        fs::create_directories(rootfs() / "bin");
        fs::copy_file("/bin/busybox", rootfs() / "bin/busybox");
        for (const char* name : {"sh",     "true", "cat", "ls",    "id",    "sleep",    "stat",
                                 "pwd",    "tty",  "dd",  "touch", "kill",  "readlink", "hostname",
                                 "ulimit", "echo", "env", "grep",  "mount", "test"}) {
            fs::create_symlink("busybox", rootfs() / "bin" / name);
        }
    }
    ~Bundle() {
        try {
            runtime().remove(id, true);
        } catch (const Error&) {
        }
    }
    Bundle(const Bundle&) = delete;

    [[nodiscard]] fs::path path() const { return directory_.path(); }
    [[nodiscard]] fs::path rootfs() const { return path() / "rootfs"; }
    [[nodiscard]] runtime::Runtime runtime() const { return runtime::Runtime(path() / "state"); }
    [[nodiscard]] runtime::CreateRequest request() const {
        runtime::CreateRequest r;
        r.id = id;
        r.bundle = path();
        r.spec = &spec;
        return r;
    }

    /// Runs to the end, standard output and error together.
    Outcome run() {
        auto [out, in] = make_pipe();
        auto r = request();
        r.stdio.out = in.duplicate();
        r.stdio.err = std::move(in);
        runtime::Started started = [&] {
            auto request = std::move(r);
            return runtime().run(std::move(request));
        }();
        Outcome outcome;
        outcome.output = read_to_end(out.get(), 1U << 20U);
        outcome.status = wait(started.pid);
        runtime().remove(id, true);
        return outcome;
    }

    Outcome exec(std::vector<std::string> args) {
        auto [out, in] = make_pipe();
        runtime::ExecRequest r;
        r.process = spec.process;
        r.process.terminal = false;
        r.process.args = std::move(args);
        r.stdio.out = in.duplicate();
        r.stdio.err = std::move(in);
        runtime::Started started = [&] {
            auto request = std::move(r);
            return runtime().exec(id, std::move(request));
        }();
        Outcome outcome;
        outcome.output = read_to_end(out.get(), 1U << 20U);
        outcome.status = wait(started.pid);
        return outcome;
    }

    static int wait(pid_t pid) {
        int status = 0;
        if (::waitpid(pid, &status, 0) != pid) return -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

private:
    TempDir directory_;

public:
    std::string id;
    oci::RuntimeSpec spec;
};

}  // namespace brig::test
