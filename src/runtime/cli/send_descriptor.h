// Handing a terminal's master or a process's descriptor to whoever listens on a unix socket.
#pragma once

#include <string>

#include "base/fd.h"

namespace brig::runtime {

/// runc's --console-socket and --pidfd-socket: one message of `name` that carries `descriptor`.
/// Throws SysError naming the socket.
void send_descriptor(const std::string& socket_path, const std::string& name, const Fd& descriptor);

}  // namespace brig::runtime
