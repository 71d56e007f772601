// See endpoint.h.
#include "client/endpoint.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "base/unix_socket.h"

namespace brig::client {
namespace {

bool nobody_listens(int error_number) {
    return error_number == ENOENT || error_number == ECONNREFUSED || error_number == ENOTDIR;
}

}  // namespace

Endpoint Endpoint::parse(std::string_view text) {
    constexpr std::string_view unix_scheme = "unix://";
    if (text.starts_with(unix_scheme)) text.remove_prefix(unix_scheme.size());
    if (text.starts_with('/')) return {std::string(text)};
    for (const std::string_view scheme :
         {"tcp://", "http://", "https://", "ssh://", "npipe://", "fd://"}) {
        if (text.starts_with(scheme)) {
            throw Error(ErrorKind::not_implemented,
                        "host {}: brig speaks only unix sockets so far (unix:///path)", text);
        }
    }
    throw Error(ErrorKind::invalid_argument, "unable to parse docker host `{}`", text);
}

Fd connect(const Endpoint& endpoint) {
    const sockaddr_un address = unix_address(endpoint.path);
    Fd fd = unix_socket();
    while (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        if (errno == EINTR) continue;
        if (nobody_listens(errno)) {
            throw Error(ErrorKind::unavailable,
                        "Cannot connect to the Brig engine at {}. Is brigd running?",
                        endpoint.str());
        }
        if (errno == EACCES) {
            throw Error(ErrorKind::permission_denied,
                        "permission denied while trying to connect to the Brig engine at {}",
                        endpoint.str());
        }
        throw SysError("connect to the engine at {}", endpoint.str());
    }
    return fd;
}

bool answers(const Endpoint& endpoint) {
    try {
        return static_cast<bool>(connect(endpoint));
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::unavailable) throw;
        return false;
    }
}

}  // namespace brig::client
