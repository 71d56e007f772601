// A path as the address of a unix socket.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <filesystem>
#include <string>

#include "base/error.h"

namespace brig::shim {

/// Throws Error{invalid_argument} when the path is too long for the kernel.
inline sockaddr_un unix_address(const std::filesystem::path& path) {
    const std::string text = path.string();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (text.size() >= sizeof address.sun_path) {
        throw Error(ErrorKind::invalid_argument, "socket path {} is longer than {} bytes", text,
                    sizeof address.sun_path - 1);
    }
    text.copy(address.sun_path, text.size());
    return address;
}

}  // namespace brig::shim
