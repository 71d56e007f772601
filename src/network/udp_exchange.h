// One client of a published UDP port on this host itself, and the socket that speaks to the
// container for it: what comes back there is that client's.
#pragma once

#include <netinet/in.h>

#include <chrono>
#include <string_view>

#include "base/fd.h"
#include "os/net_address.h"

namespace brig::network {

class UdpExchange {
public:
    using Clock = std::chrono::steady_clock;

    /// Throws SysError.
    UdpExchange(const sockaddr_in& client, os::Ipv4Address container, std::uint16_t port);

    [[nodiscard]] bool is_of(const sockaddr_in& client) const;
    [[nodiscard]] int socket() const { return server_.get(); }
    /// Datagrams get lost where nobody listens, as they do everywhere.
    void to_container(std::string_view datagram);
    /// What has come back, to the client, by the socket that it spoke to.
    void to_client(int published);
    /// Nobody has said anything for long.
    [[nodiscard]] bool idle(Clock::time_point at) const;

private:
    sockaddr_in client_;
    Fd server_;
    Clock::time_point used_ = Clock::now();
};

}  // namespace brig::network
