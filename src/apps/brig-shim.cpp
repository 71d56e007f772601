// brig-shim: the supervisor of all containers of one engine. Started by brigd on demand.
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string_view>

#include "base/error.h"
#include "base/version.h"
#include "os/memory.h"
#include "os/places.h"
#include "os/process.h"
#include "shim/daemon.h"

namespace {

std::string usage() {
    return fmt::format(
        "usage: brig-shim [--run DIR] [--foreground]\n"
        "  --run DIR      where the socket and the state are (default {})\n"
        "  --foreground   stay attached to the terminal\n"
        "  --version      say the version and exit\n",
        brig::os::default_places().run.string());
}

/// The exit status when there is nothing to run.
int print(std::FILE* to, std::string_view text, int status) {
    std::fwrite(text.data(), 1, text.size(), to);
    return status;
}

}  // namespace

int main(int argc, char** argv) {
    // Nothing inherited stays open: a container must not get at its starter's descriptors.
    ::closefrom(3);
    brig::os::protect_own_program(argv);
    brig::os::keep_little_memory();
    brig::shim::DaemonOptions options{brig::os::default_places().run};
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "--version")
            return print(
                stdout,
                fmt::format("brig-shim version {}, build {}\n", brig::version, brig::git_commit),
                0);
        if (argument == "--help" || argument == "-h") return print(stdout, usage(), 0);
        if (argument == "--foreground")
            options.foreground = true;
        else if (argument == "--run" && i + 1 < argc)
            options.run_dir = argv[++i];
        else
            return print(stderr, usage(), 2);
    }
    try {
        return brig::shim::run_daemon(options);
    } catch (const std::exception& e) {
        return print(stderr, fmt::format("brig-shim: {}\n", e.what()), 1);
    }
}
