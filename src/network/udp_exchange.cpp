// See udp_exchange.h.
#include "network/udp_exchange.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>

#include "base/error.h"

namespace brig::network {
namespace {

constexpr auto most_silence = std::chrono::seconds(90);
constexpr std::size_t largest_datagram = 65536;
constexpr int most_at_once = 64;

}  // namespace

UdpExchange::UdpExchange(const sockaddr_in& client, os::Ipv4Address container, std::uint16_t port)
    : client_(client), server_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    if (!server_) throw SysError("create a socket");
    if (::fcntl(server_.get(), F_SETFL, O_NONBLOCK) != 0) throw SysError("set O_NONBLOCK");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(container.value());
    if (::connect(server_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
        throw SysError("connect to {}", container.str());
}

bool UdpExchange::is_of(const sockaddr_in& client) const {
    return client.sin_port == client_.sin_port && client.sin_addr.s_addr == client_.sin_addr.s_addr;
}

void UdpExchange::to_container(std::string_view datagram) {
    used_ = Clock::now();
    (void)::send(server_.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL);
}

void UdpExchange::to_client(int published) {
    std::array<char, largest_datagram> buffer;
    for (int i = 0; i < most_at_once; ++i) {
        const auto got = ::recv(server_.get(), buffer.data(), buffer.size(), 0);
        if (got < 0) return;  // no more, or that nobody listens
        used_ = Clock::now();
        (void)::sendto(published, buffer.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL,
                       reinterpret_cast<const sockaddr*>(&client_), sizeof(client_));
    }
}

bool UdpExchange::idle(Clock::time_point at) const { return at - used_ > most_silence; }

}  // namespace brig::network
