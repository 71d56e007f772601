// Where an engine listens, as -H, BRIG_HOST and DOCKER_HOST write it.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"

namespace brig::client {

/// Only unix sockets are spoken so far; tcp and ssh are recognised and refused by name.
struct Endpoint {
    std::string path;  ///< of the unix socket

    /// Accepts "unix:///path" and a bare absolute path. Throws Error{invalid_argument}, or
    /// Error{not_implemented} for tcp, https, ssh and npipe.
    static Endpoint parse(std::string_view text);
    /// "unix:///run/brig/brig.sock"
    [[nodiscard]] std::string str() const { return "unix://" + path; }
};

/// Throws Error{unavailable} where nothing listens, and SysError where we may not connect.
Fd connect(const Endpoint& endpoint);
/// Whether somebody accepts connections there.
bool answers(const Endpoint& endpoint);

}  // namespace brig::client
