// A host of our own to test in: the process moves into a new network namespace, where bridge,
// firewall and forwarding are nobody else's, and gets a neighbour "outside" on a second bridge.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <functional>
#include <optional>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/random.h"
#include "network/network.h"
#include "network/socket_address.h"
#include "os/linux/link_requests.h"
#include "os/linux/net_namespace.h"

namespace brig::network::testing {

using os::linux_net::NetlinkBatch;
using os::linux_net::NetlinkSocket;
using os::linux_net::NetNamespace;

inline const char* const host_ip = "198.51.100.1";
inline const char* const outside_ip = "198.51.100.2";
inline const char* const host_ip6 = "2001:db8:9::1";
inline const char* const outside_ip6 = "2001:db8:9::2";

/// Runs `action` in the namespace of `handle`, on a thread that ends with it.
template <typename Action>
auto inside(int handle, Action action) {
    using Result = decltype(action());
    std::optional<Result> result;
    std::exception_ptr failure;
    std::thread([&] {
        try {
            if (::setns(handle, CLONE_NEWNET) != 0) throw SysError("setns");
            result.emplace(action());
        } catch (...) {
            failure = std::current_exception();
        }
    }).join();
    if (failure) std::rethrow_exception(failure);
    return std::move(*result);
}

inline Fd sandbox_of(const Endpoint& endpoint) {
    return open_file(endpoint.sandbox_path, O_RDONLY);
}

inline SocketAddress at(const std::string& ip, std::uint16_t port) {
    return socket_address(os::parse_ip(ip).value(), port);
}

inline std::string text_of(const SocketAddress& address) {
    std::array<char, NI_MAXHOST> host{};
    (void)::getnameinfo(address.raw(), address.size, host.data(), host.size(), nullptr, 0,
                        NI_NUMERICHOST);
    return host.data();
}

inline Fd bound(int type, const std::string& ip, std::uint16_t port) {
    Fd socket = make_socket(os::parse_ip(ip).value(), type);
    const int on = 1;
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    const auto address = at(ip, port);
    if (::bind(socket.get(), address.raw(), address.size) != 0) throw SysError("bind");
    if (type == SOCK_STREAM && ::listen(socket.get(), 16) != 0) throw SysError("listen");
    return socket;
}

/// Says to everybody who connects, or sends a datagram, who they are: "IP".
class EchoServer {
public:
    EchoServer(int handle, int type, std::uint16_t port, const std::string& ip = "0.0.0.0")
        : type_(type),
          socket_(handle < 0 ? bound(type, ip, port)
                             : inside(handle, [&] { return bound(type, ip, port); })) {
        auto [read_end, write_end] = make_pipe();
        stop_ = std::move(write_end);
        thread_ = std::thread([this, stopped = std::move(read_end)] { serve(stopped.get()); });
    }
    ~EchoServer() {
        stop_.reset();
        thread_.join();
    }

private:
    void serve(int stopped) {
        for (;;) {
            std::array<pollfd, 2> waiting{{{socket_.get(), POLLIN, 0}, {stopped, POLLIN, 0}}};
            (void)::poll(waiting.data(), 2, -1);
            if (waiting[1].revents != 0) return;
            SocketAddress peer;
            char buffer[64];
            if (type_ == SOCK_STREAM) {
                Fd client(::accept4(socket_.get(), peer.raw(), &peer.size, SOCK_CLOEXEC));
                write_all(client.get(), text_of(peer));
            } else if (::recvfrom(socket_.get(), buffer, sizeof(buffer), 0, peer.raw(),
                                  &peer.size) >= 0) {
                const auto text = text_of(peer);
                (void)::sendto(socket_.get(), text.data(), text.size(), 0, peer.raw(), peer.size);
            }
        }
    }
    int type_;
    Fd socket_;
    Fd stop_;
    std::thread thread_;
};

/// What the server said, or the failure: "refused", "timeout", …
inline std::string ask(int type, const std::string& ip, std::uint16_t port, int timeout_ms = 3000) {
    Fd socket = make_socket(os::parse_ip(ip).value(), type);
    const timeval timeout{timeout_ms / 1000, (timeout_ms % 1000) * 1000};
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    const auto address = at(ip, port);
    const auto failure = [] {
        return errno == ECONNREFUSED                     ? "refused"
               : errno == EAGAIN || errno == EINPROGRESS ? "timeout"
                                                         : std::strerror(errno);
    };
    if (::connect(socket.get(), address.raw(), address.size) != 0) return failure();
    if (type == SOCK_DGRAM && ::send(socket.get(), "?", 1, 0) < 0) return failure();
    char buffer[64];
    const auto size = ::recv(socket.get(), buffer, sizeof(buffer), 0);
    return size < 0 ? failure() : std::string(buffer, static_cast<std::size_t>(size));
}

inline std::string ask_from(int handle, int type, const std::string& ip, std::uint16_t port,
                            int timeout_ms = 3000) {
    return inside(handle, [&] { return ask(type, ip, port, timeout_ms); });
}

class NetworkTest : public ::testing::Test {
protected:
    static void SetUpTestSuite() {
        if (::geteuid() == 0) enter_own_host();
    }
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root for network namespaces";
        run_.emplace(std::filesystem::temp_directory_path(), "brig-network");
        config_ = Config{.run_dir = run_->path(),
                         .bridge = "brt0",
                         .gateway = Ipv4Interface::parse("10.77.0.1/24"),
                         .firewall = "brig_test",
                         .link_prefix = "brt"};
    }
    void TearDown() override {
        if (!config_.run_dir.empty()) Networks(config_).remove_all();
    }

    static AttachRequest request(std::vector<PortRequest> ports = {}) {
        return {.container_id = random_hex(32), .container_name = "web", .ports = std::move(ports)};
    }
    static std::size_t interface_count() {
        auto socket = NetlinkSocket::open();
        return all_links(socket).size();
    }
    [[nodiscard]] static int outside() { return outside_().handle.get(); }

    Config config_;

private:
    static NetNamespace& outside_() {
        static NetNamespace made = os::linux_net::make_net_namespace(true);
        return made;
    }

    static void enter_own_host() {
        static bool entered = false;
        if (std::exchange(entered, true)) return;
        if (::unshare(CLONE_NEWNET) != 0) throw SysError("create a network namespace to test in");
        auto host = NetlinkSocket::open();
        const auto lan = Ipv4Interface::parse(std::string(host_ip) + "/24");
        NetlinkBatch first;
        os::linux_net::set_up(first, 1, "lo");
        os::linux_net::add_bridge(first, {.name = "lan0", .gateway = lan});
        host.run(std::move(first));
        const auto bridge = find_link(host, "lan0").index;
        NetlinkBatch second;
        os::linux_net::add_address(second, bridge, lan);
        const auto lan6 = Ipv6Interface::parse(std::string(host_ip6) + "/64");
        os::linux_net::add_address(second, bridge, lan6);
        os::linux_net::set_up(second, bridge, "lan0");
        os::linux_net::add_veth(second, {.name = "lan1",
                                         .bridge = "lan0",
                                         .bridge_index = bridge,
                                         .sandbox = outside(),
                                         .peer = "eth0"});
        host.run(std::move(second));
        auto& socket = outside_().socket;
        const auto link = find_link(socket, "eth0").index;
        NetlinkBatch third;
        os::linux_net::set_up(third, link, "eth0");
        os::linux_net::add_address(third, link,
                                   Ipv4Interface::parse(std::string(outside_ip) + "/24"));
        os::linux_net::add_default_route(third, link, lan.address);
        os::linux_net::add_address(third, link,
                                   Ipv6Interface::parse(std::string(outside_ip6) + "/64"));
        os::linux_net::add_default_route(third, link, lan6.address);
        socket.run(std::move(third));
    }

    std::optional<TempDir> run_;
};

}  // namespace brig::network::testing
