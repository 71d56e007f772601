// See process_options.h.
#include "runtime/cli/process_options.h"

#include <fcntl.h>

#include <cstdlib>

#include "base/error.h"
#include "base/file.h"
#include "base/strings.h"
#include "runtime/cli/send_descriptor.h"

namespace brig::runtime {

Stdio own_stdio() {
    const auto take = [](int fd) { return Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 3)); };
    return {take(0), take(1), take(2)};
}

int preserved_fds(const Arguments& arguments) {
    int count = 0;
    if (const auto text = arguments.value("preserve-fds")) {
        const auto number = parse_int<int>(*text);
        if (!number || *number < 0)
            throw Error(ErrorKind::invalid_argument, "--preserve-fds: {:?} is no number", *text);
        count = *number;
    }
    if (const char* sockets = std::getenv("LISTEN_FDS"))
        count += parse_int<int>(sockets).value_or(0);
    return count;
}

void check_console(const Arguments& arguments, bool terminal, bool detached) {
    const bool socket = arguments.has("console-socket");
    if (detached && terminal && !socket) {
        throw Error(ErrorKind::invalid_argument,
                    "cannot allocate tty without --console-socket: nobody would hold the terminal");
    }
    if (socket && !(detached && terminal)) {
        throw Error(ErrorKind::invalid_argument,
                    "cannot use console socket: it is for a detached process with a terminal");
    }
}

void hand_over(const Arguments& arguments, Started& started) {
    if (const auto path = arguments.value("console-socket")) {
        send_descriptor(*path, "/dev/ptmx", started.console);
        started.console.reset();
    }
    if (const auto path = arguments.value("pidfd-socket"))
        send_descriptor(*path, "pidfd", started.process);
    if (const auto path = arguments.value("pid-file"))
        write_file_atomic(*path, std::to_string(started.pid), 0644, Durability::rebuildable);
}

}  // namespace brig::runtime
