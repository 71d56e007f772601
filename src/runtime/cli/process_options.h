// What create, run and exec have in common: who gets the new process's terminal, its number and
// its descriptors.
#pragma once

#include "runtime/cli/command.h"

namespace brig::runtime {

inline constexpr Option console_socket_option{"console-socket", "", "PATH",
                                              "unix socket that receives the terminal's master"};
inline constexpr Option pid_file_option{"pid-file", "", "FILE", "write the process's number here"};
inline constexpr Option pidfd_socket_option{"pidfd-socket", "", "PATH",
                                            "unix socket that receives the process's descriptor"};
inline constexpr Option preserve_fds_option{
    "preserve-fds", "", "N", "pass on N descriptors beyond standard error and $LISTEN_FDS"};
inline constexpr Option detach_option{"detach", "d", "", "do not wait for the process"};

/// Our own descriptors 0, 1 and 2.
Stdio own_stdio();
/// --preserve-fds and systemd's $LISTEN_FDS together.
int preserved_fds(const Arguments& arguments);
/// A terminal that nobody here relays needs somebody to receive it, and only that one does.
void check_console(const Arguments& arguments, bool terminal, bool detached);
/// Tells the callers of the process it has started, by file and sockets.
void hand_over(const Arguments& arguments, Started& started);

}  // namespace brig::runtime
