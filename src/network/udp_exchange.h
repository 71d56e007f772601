// One client of a published UDP port on this host itself, and the socket that speaks to the
// container for it: what comes back there is that client's.
#pragma once

#include <chrono>
#include <string_view>

#include "base/fd.h"
#include "network/socket_address.h"

namespace brig::network {

class UdpExchange {
public:
    using Clock = std::chrono::steady_clock;

    /// Throws SysError.
    UdpExchange(const SocketAddress& client, const os::IpAddress& container, std::uint16_t port);

    [[nodiscard]] bool is_of(const SocketAddress& client) const { return client.same(client_); }
    [[nodiscard]] int socket() const { return server_.get(); }
    /// Datagrams get lost where nobody listens, as they do everywhere.
    void to_container(std::string_view datagram);
    /// What has come back, to the client, by the socket that it spoke to.
    void to_client(int published);
    /// Nobody has said anything for long.
    [[nodiscard]] bool idle(Clock::time_point at) const;

private:
    SocketAddress client_;
    Fd server_;
    Clock::time_point used_ = Clock::now();
};

}  // namespace brig::network
