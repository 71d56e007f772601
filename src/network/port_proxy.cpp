// See port_proxy.h. poll(2) suffices: who calls a published port from the host itself are a
// handful.
#include "network/port_proxy.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "network/socket_address.h"
#include "network/udp_exchange.h"

namespace brig::network {
namespace {

constexpr std::size_t most_pending = 64U << 10U;
constexpr std::size_t most_connections = 2000;
constexpr int sweep_milliseconds = 10'000;  ///< how often idle exchanges are looked for

struct Listener {
    PublishedPort port;
    Fd socket;
    IpAddress container;
    /// Connections share this and not the socket, which must be closed when remove() returns.
    std::shared_ptr<std::atomic<bool>> removed = std::make_shared<std::atomic<bool>>(false);
};

void make_nonblocking(const Fd& socket) {
    if (::fcntl(socket.get(), F_SETFL, O_NONBLOCK) != 0) throw SysError("set O_NONBLOCK");
}

bool try_later() { return errno == EAGAIN || errno == EINTR || errno == ENOBUFS; }

/// What goes one way.
struct Flow {
    std::string pending;
    bool ended = false;   ///< its source has no more
    bool passed = false;  ///< and its target was told

    [[nodiscard]] bool wants_input() const { return !ended && pending.size() < most_pending; }

    /// False when the connection is broken.
    bool read(int source) {
        std::array<char, 16384> buffer;
        const auto got = ::recv(source, buffer.data(), buffer.size(), 0);
        if (got < 0) return try_later();
        ended = got == 0;
        pending.append(buffer.data(), static_cast<std::size_t>(got));
        return true;
    }
    bool write(int target) {
        if (!pending.empty()) {
            const auto sent = ::send(target, pending.data(), pending.size(), MSG_NOSIGNAL);
            if (sent < 0) return try_later();
            pending.erase(0, static_cast<std::size_t>(sent));
        }
        if (ended && pending.empty() && !passed) {
            passed = true;
            (void)::shutdown(target, SHUT_WR);
        }
        return true;
    }
};

class Connection {
public:
    Connection(const Listener& listener, Fd client)
        : removed_(listener.removed),
          client_(std::move(client)),
          server_(make_socket(listener.container, SOCK_STREAM)) {
        make_nonblocking(client_);
        make_nonblocking(server_);
        const auto address = socket_address(listener.container, listener.port.container_port);
        const int done = ::connect(server_.get(), address.raw(), address.size);
        if (done != 0 && errno != EINPROGRESS)
            throw SysError("connect to {}", os::to_string(listener.container));
    }

    /// Two entries.
    void wait_for(std::vector<pollfd>& waiting) const {
        const auto entry = [&](const Fd& socket, const Flow& from, const Flow& to) {
            const int events =
                (from.wants_input() ? POLLIN : 0) | (to.pending.empty() ? 0 : POLLOUT);
            // A negative descriptor is not looked at; without events a hang-up would be, for ever.
            waiting.push_back({events == 0 ? -1 : socket.get(), static_cast<short>(events), 0});
        };
        if (connected_) {
            entry(client_, up_, down_);
            entry(server_, down_, up_);
        } else {
            waiting.push_back({-1, 0, 0});
            waiting.push_back({server_.get(), POLLOUT, 0});
        }
    }

    /// False when it is over.
    bool go_on(short client, short server) {
        if (*removed_) return false;
        if (!connected_) {
            if (server == 0) return true;
            int error = 0;
            socklen_t size = sizeof(error);
            (void)::getsockopt(server_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
            connected_ = true;
            return error == 0;
        }
        if (client != 0 && up_.wants_input() && !up_.read(client_.get())) return false;
        if (server != 0 && down_.wants_input() && !down_.read(server_.get())) return false;
        if (!up_.write(server_.get()) || !down_.write(client_.get())) return false;
        return !(up_.passed && down_.passed);
    }

private:
    std::shared_ptr<const std::atomic<bool>> removed_;
    Fd client_;
    Fd server_;
    bool connected_ = false;
    Flow up_;
    Flow down_;
};

/// Of the listener, which it must not keep open when that is removed.
struct Exchange {
    std::weak_ptr<Listener> listener;
    UdpExchange udp;
};

}  // namespace

struct PortProxy::Impl {
    void wake() const { write_all(wake_up.second.get(), std::string_view("x")); }

    std::vector<std::shared_ptr<Listener>> listening() {
        const std::lock_guard lock(mutex);
        ++round;
        new_round.notify_all();
        return listeners;
    }

    void accept_one(const std::shared_ptr<Listener>& listener) {
        Fd client(::accept4(listener->socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!client) return;
        try {
            connections.emplace_back(*listener, std::move(client));
        } catch (const Error& error) {
            log::debug("port {}: {}", listener->port.host_port, error.message());
        }
    }

    /// Who has spoken before, or somebody new.
    Exchange& exchange_with(const SocketAddress& client,
                            const std::shared_ptr<Listener>& listener) {
        for (auto& exchange : exchanges) {
            if (exchange.listener.lock() == listener && exchange.udp.is_of(client)) return exchange;
        }
        if (exchanges.size() >= most_connections) exchanges.pop_front();
        return exchanges.emplace_back(
            listener, UdpExchange(client, listener->container, listener->port.container_port));
    }

    void take_datagram(const std::shared_ptr<Listener>& listener) {
        std::array<char, 65536> buffer;
        SocketAddress client;
        const auto got = ::recvfrom(listener->socket.get(), buffer.data(), buffer.size(), 0,
                                    client.raw(), &client.size);
        if (got < 0) return;
        try {
            exchange_with(client, listener)
                .udp.to_container({buffer.data(), static_cast<std::size_t>(got)});
        } catch (const Error& error) {
            log::debug("port {}: {}", listener->port.host_port, error.message());
        }
    }

    /// False when it is over.
    static bool go_on(Exchange& exchange, short events) {
        const auto listener = exchange.listener.lock();
        if (!listener || *listener->removed) return false;
        if (events != 0) exchange.udp.to_client(listener->socket.get());
        return !exchange.udp.idle(UdpExchange::Clock::now());
    }

    void serve(const std::shared_ptr<Listener>& listener) {
        if (listener->port.protocol == Protocol::udp)
            take_datagram(listener);
        else
            accept_one(listener);
    }

    void run() {
        while (!stopping) one_round();
    }

    void one_round() {
        const auto served = listening();
        std::vector<pollfd> waiting{{wake_up.first.get(), POLLIN, 0}};
        for (const auto& connection : connections) connection.wait_for(waiting);
        for (const auto& exchange : exchanges)
            waiting.push_back({exchange.udp.socket(), POLLIN, 0});
        const auto first_listener = waiting.size();
        const bool full = connections.size() >= most_connections;
        for (const auto& listener : served) {
            const bool closed = full && listener->port.protocol == Protocol::tcp;
            waiting.push_back({closed ? -1 : listener->socket.get(), POLLIN, 0});
        }
        const int limit = exchanges.empty() ? -1 : sweep_milliseconds;
        if (::poll(waiting.data(), static_cast<nfds_t>(waiting.size()), limit) < 0) return;
        std::array<std::byte, 64> ignored;
        if (waiting[0].revents != 0) (void)read_some(wake_up.first.get(), ignored);
        std::size_t at = 1;
        std::erase_if(connections, [&](Connection& connection) {
            at += 2;
            return !connection.go_on(waiting[at - 2].revents, waiting[at - 1].revents);
        });
        std::erase_if(exchanges,
                      [&](Exchange& exchange) { return !go_on(exchange, waiting[at++].revents); });
        for (std::size_t i = 0; i < served.size(); ++i) {
            if (waiting[first_listener + i].revents != 0) serve(served[i]);
        }
    }

    FdPair wake_up = make_pipe();
    std::atomic<bool> stopping = false;
    std::mutex mutex;
    std::vector<std::shared_ptr<Listener>> listeners;
    unsigned round = 0;  ///< of the loop; what it borrowed in the last one is given back
    std::condition_variable new_round;
    std::list<Connection> connections;  ///< the thread's own
    std::list<Exchange> exchanges;      ///< and these
    std::thread thread;
};

PortProxy::PortProxy() : impl_(std::make_unique<Impl>()) {}

PortProxy::~PortProxy() {
    if (!impl_->thread.joinable()) return;
    impl_->stopping = true;
    impl_->wake();
    impl_->thread.join();
}

void PortProxy::add(const PublishedPort& port, Fd bound, const IpAddress& container) {
    auto listener = std::make_shared<Listener>();
    listener->port = port;
    listener->socket = std::move(bound);
    listener->container = container;
    make_nonblocking(listener->socket);
    if (port.protocol == Protocol::tcp) {
        // Inherited by what is accepted, so that these in TIME_WAIT do not keep the port from the
        // next engine. Who listens shares with nobody anyway.
        const int on = 1;
        (void)::setsockopt(listener->socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (::listen(listener->socket.get(), 128) != 0)
            throw SysError("listen on {}:{}", os::to_string(port.host_ip), port.host_port);
    }
    const std::lock_guard lock(impl_->mutex);
    impl_->listeners.push_back(std::move(listener));
    if (!impl_->thread.joinable())
        impl_->thread = std::thread([impl = impl_.get()] { impl->run(); });
    impl_->wake();
}

void PortProxy::remove(const PublishedPort& port) {
    std::unique_lock lock(impl_->mutex);
    const auto count = std::erase_if(impl_->listeners, [&](const auto& listener) {
        if (!(listener->port == port)) return false;
        *listener->removed = true;
        return true;
    });
    if (count == 0) return;
    impl_->wake();
    impl_->new_round.wait(lock, [&, before = impl_->round] { return impl_->round != before; });
}

}  // namespace brig::network
