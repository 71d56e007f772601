// See filter_listener.h; config-linux.md, "The Container Process State".
#include "runtime/filter_listener.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace brig::runtime {

Fd connect_listener(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        throw Error(ErrorKind::invalid_argument, "seccomp.listenerPath {}: too long", path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) throw SysError("create socket");
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw SysError("failed to connect with seccomp agent at seccomp.listenerPath {}", path);
    return socket;
}

std::string listener_message(const std::string& state, const std::string& metadata, pid_t pid) {
    const auto container = nlohmann::json::parse(state);
    const nlohmann::json j = {{"ociVersion", container.at("ociVersion")},
                              {"fds", {"seccompFd"}},
                              {"pid", pid},
                              {"metadata", metadata},
                              {"state", container}};
    return j.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace brig::runtime
