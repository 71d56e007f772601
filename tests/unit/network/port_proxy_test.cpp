// Connections through the proxy to a server of the test's own, on the loopback.
#include "network/port_proxy.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <thread>

namespace brig::network {
namespace {

const Ipv4Address loopback(0x7f000001);

sockaddr_in address_of(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(loopback.value());
    return address;
}

/// Port 0: any.
std::pair<Fd, std::uint16_t> bound(std::uint16_t port = 0, int type = SOCK_STREAM) {
    Fd socket(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    auto address = address_of(port);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    return {std::move(socket), ntohs(address.sin_port)};
}

Fd connect_to(std::uint16_t port) {
    Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = address_of(port);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
        socket.reset();
    return socket;
}

/// Answers what it gets, once the caller has said everything.
struct Echo {
    Echo() {
        ::listen(listener.first.get(), 8);
        thread = std::thread([this] {
            for (;;) {
                Fd client(::accept(listener.first.get(), nullptr, nullptr));
                if (!client) return;
                write_all(client.get(), read_to_end(client.get(), 16U << 20U));
            }
        });
    }
    ~Echo() {
        ::shutdown(listener.first.get(), SHUT_RDWR);
        thread.join();
    }
    std::pair<Fd, std::uint16_t> listener = bound();
    std::thread thread;
};

TEST(PortProxyTest, CarriesBothWaysToTheEnd) {
    Echo echo;
    PortProxy proxy;
    auto [socket, port] = bound();
    const PublishedPort published{loopback, port, echo.listener.second, Protocol::tcp};
    proxy.add(published, std::move(socket), loopback);
    const std::string text(3'000'000, 'x');
    for (int i = 0; i < 3; ++i) {
        const Fd client = connect_to(port);
        ASSERT_TRUE(client);
        std::thread sender([&] {
            write_all(client.get(), text);
            ::shutdown(client.get(), SHUT_WR);
        });
        EXPECT_EQ(read_to_end(client.get(), 16U << 20U).size(), text.size());
        sender.join();
    }
}

TEST(PortProxyTest, RemovalEndsConnectionsAndFreesThePort) {
    Echo echo;
    PortProxy proxy;
    auto [socket, port] = bound();
    const PublishedPort published{loopback, port, echo.listener.second, Protocol::tcp};
    proxy.remove(published);  // absent
    proxy.add(published, std::move(socket), loopback);
    const Fd client = connect_to(port);
    ASSERT_TRUE(client);
    write_all(client.get(), std::string_view("half"));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    proxy.remove(published);
    EXPECT_FALSE(connect_to(port));
    std::array<std::byte, 16> buffer;
    EXPECT_LE(::recv(client.get(), buffer.data(), buffer.size(), 0), 0);
}

TEST(PortProxyTest, NobodyBehindEndsTheConnection) {
    auto [unused, nobody] = bound();
    PortProxy proxy;
    auto [socket, port] = bound();
    proxy.add({loopback, port, nobody, Protocol::tcp}, std::move(socket), loopback);
    const Fd client = connect_to(port);
    ASSERT_TRUE(client);
    std::array<std::byte, 16> buffer;
    EXPECT_LE(::recv(client.get(), buffer.data(), buffer.size(), 0), 0);
}

std::string received(const Fd& socket, sockaddr_in* from = nullptr) {
    const timeval limit{5, 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    std::string text(64, '\0');
    socklen_t size = sizeof(sockaddr_in);
    const auto got =
        ::recvfrom(socket.get(), text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(from),
                   from == nullptr ? nullptr : &size);
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return text;
}

void send_to(const Fd& socket, const std::string& text, const sockaddr_in& to) {
    ::sendto(socket.get(), text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&to),
             sizeof(to));
}

TEST(PortProxyTest, DatagramsComeBackToWhoSentThem) {
    const auto [server, behind] = bound(0, SOCK_DGRAM);
    PortProxy proxy;
    auto [socket, port] = bound(0, SOCK_DGRAM);
    const PublishedPort published{loopback, port, behind, Protocol::udp};
    proxy.add(published, std::move(socket), loopback);
    const std::array clients{bound(0, SOCK_DGRAM), bound(0, SOCK_DGRAM)};
    std::vector<sockaddr_in> seen;
    for (int round = 0; round < 2; ++round) {
        for (const auto& [client, number] : clients) {
            send_to(client, "from " + std::to_string(number), address_of(port));
            sockaddr_in carrier{};
            EXPECT_EQ(received(server, &carrier), "from " + std::to_string(number));
            seen.push_back(carrier);
        }
    }
    ASSERT_EQ(seen.size(), 4U);
    EXPECT_EQ(seen[0].sin_port, seen[2].sin_port);  // the same for all that a client says
    EXPECT_NE(seen[0].sin_port, seen[1].sin_port);
    send_to(server, "to the second", seen[1]);
    send_to(server, "to the first", seen[0]);
    sockaddr_in from{};
    EXPECT_EQ(received(clients[0].first, &from), "to the first");
    EXPECT_EQ(ntohs(from.sin_port), port);
    EXPECT_EQ(received(clients[1].first), "to the second");
    proxy.remove(published);
    EXPECT_EQ(bound(port, SOCK_DGRAM).second, port);
}

}  // namespace
}  // namespace brig::network
