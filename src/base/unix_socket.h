// Unix sockets by path, and descriptors that travel through them (unix(7), unix(4)).
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <filesystem>
#include <string_view>

#include "base/fd.h"

namespace brig {

/// Throws Error{invalid_argument} when the path is too long for the kernel.
sockaddr_un unix_address(const std::filesystem::path& path);
/// A stream socket that is not inherited. Throws SysError.
Fd unix_socket();
/// Throws SysError naming the path.
Fd connect_unix(const std::filesystem::path& path);

/// One message, and with it a copy of `descriptor` unless that is -1. False, with errno, when it
/// cannot be sent. A single system call without allocation, so that it is for children of fork,
/// too.
bool send_message(int socket, std::string_view data, int descriptor = -1);

}  // namespace brig
