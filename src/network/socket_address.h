// An address and a port as the socket calls take them.
#pragma once

#include <sys/socket.h>

#include <cstdint>

#include "base/fd.h"
#include "os/net_address.h"

namespace brig::network {

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = sizeof(storage);

    [[nodiscard]] sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
    [[nodiscard]] const sockaddr* raw() const {
        return reinterpret_cast<const sockaddr*>(&storage);
    }
    [[nodiscard]] std::uint16_t port() const;
    /// The same family, address and port.
    [[nodiscard]] bool same(const SocketAddress& other) const;
};

SocketAddress socket_address(const os::IpAddress& ip, std::uint16_t port);

/// A socket of the address's family; one of IPv6 is of nothing else. Throws SysError.
Fd make_socket(const os::IpAddress& ip, int type);

}  // namespace brig::network
