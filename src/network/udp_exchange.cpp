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

UdpExchange::UdpExchange(const SocketAddress& client, const os::IpAddress& container,
                         std::uint16_t port)
    : client_(client), server_(make_socket(container, SOCK_DGRAM)) {
    if (::fcntl(server_.get(), F_SETFL, O_NONBLOCK) != 0) throw SysError("set O_NONBLOCK");
    const auto address = socket_address(container, port);
    if (::connect(server_.get(), address.raw(), address.size) != 0)
        throw SysError("connect to {}", os::to_string(container));
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
                       client_.raw(), client_.size);
    }
}

bool UdpExchange::idle(Clock::time_point at) const { return at - used_ > most_silence; }

}  // namespace brig::network
