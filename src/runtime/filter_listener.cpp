// See filter_listener.h; config-linux.md, "The Container Process State".
#include "runtime/filter_listener.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/unix_socket.h"

namespace brig::runtime {

Fd connect_listener(const std::string& path) {
    try {
        return connect_unix(path);
    } catch (const Error& e) {
        throw e.within("failed to connect with seccomp agent at seccomp.listenerPath");
    }
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
