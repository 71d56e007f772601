// Accepting connections and the life of the I/O thread.
#include "http/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>

#include "base/error.h"
#include "base/log.h"
#include "http/connection.h"
#include "http/tls.h"

namespace brig::http {
namespace asio = boost::asio;
namespace {

constexpr auto quiet = asio::as_tuple(asio::use_awaitable);
using Clock = std::chrono::steady_clock;

/// Counts open connections; remembers when the last one ended.
class Presence {
public:
    void enter() { ++open_; }
    void leave() {
        since_ = Clock::now().time_since_epoch().count();
        --open_;
    }
    [[nodiscard]] std::optional<Clock::duration> empty_for() const {
        if (open_ > 0) return std::nullopt;
        return Clock::now().time_since_epoch() - Clock::duration(since_.load());
    }

private:
    std::atomic<int> open_ = 0;
    std::atomic<Clock::rep> since_ = Clock::now().time_since_epoch().count();
};

}  // namespace

class Server::Impl {
public:
    Impl(Service& service, ServerOptions options)
        : options_(options),
          handlers_(options.max_handlers),
          shared_{service, options_, handlers_} {}

    void listen(Fd listener, std::shared_ptr<TlsContext> tls) {
        auto descriptor =
            std::make_shared<Descriptor>(adopt(io_.get_executor(), std::move(listener)));
        asio::co_spawn(io_, accept_all(descriptor, std::move(tls)),
                       [](const std::exception_ptr& failure) {
                           if (failure)
                               log::error("no longer accepting connections: {}", describe(failure));
                       });
    }

    void serve_only(Fd connection) {
        start(serve(adopt_socket(std::move(connection), AF_UNIX), shared_), [this] { stop(); });
    }

    void run() {
        const auto guard = asio::make_work_guard(io_);
        io_.run();
    }
    void stop() { io_.stop(); }
    [[nodiscard]] const Presence& presence() const { return presence_; }

private:
    asio::awaitable<void> accept_all(std::shared_ptr<Descriptor> listener,
                                     std::shared_ptr<TlsContext> tls) {
        for (;;) {
            co_await listener->async_wait(Descriptor::wait_read, asio::use_awaitable);
            // Asio is told of a listener's readiness once, so all that wait are taken.
            while (accept_one(listener->native_handle(), tls)) {
            }
            if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR) continue;
            log::warn("cannot accept a connection: {}", std::strerror(errno));
            asio::steady_timer pause(io_, std::chrono::milliseconds(100));
            co_await pause.async_wait(quiet);
        }
    }

    bool accept_one(int listener, const std::shared_ptr<TlsContext>& tls) {
        sockaddr_storage peer{};
        socklen_t size = sizeof peer;
        Fd fd(::accept4(listener, reinterpret_cast<sockaddr*>(&peer), &size,
                        SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!fd) return false;
        if (peer.ss_family != AF_UNIX) {
            const int yes = 1;  // a reply is written whole; nothing is gained by waiting for more
            ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        }
        Socket socket = adopt_socket(std::move(fd), peer.ss_family);
        if (tls) {
            start(serve_tls(std::move(socket), tls, shared_), [] {});
        } else {
            start(serve(std::move(socket), shared_), [] {});
        }
        return true;
    }

    Socket adopt_socket(Fd fd, int family) {
        Socket socket(io_);
        const int protocol = 0;
        socket.assign(asio::generic::stream_protocol(family, protocol), fd.get());
        (void)fd.release();
        return socket;
    }

    template <typename Then>
    void start(asio::awaitable<void> connection, Then then) {
        presence_.enter();
        asio::co_spawn(io_, std::move(connection), [this, then](const std::exception_ptr& failure) {
            presence_.leave();
            if (failure) log::debug("connection ended: {}", describe(failure));
            then();
        });
    }

    ServerOptions options_;
    Presence presence_;
    asio::io_context io_{1};  // one thread runs it
    WorkerPool handlers_;     // ends before io_, to which its results go
    Shared shared_;
};

Server::Server(Service& service, ServerOptions options)
    : impl_(std::make_unique<Impl>(service, options)) {}
Server::~Server() = default;
void Server::listen(Fd listener) { impl_->listen(std::move(listener), nullptr); }
void Server::listen(Fd listener, const TlsFiles& tls) {
    impl_->listen(std::move(listener), load_tls(tls));
}
void Server::serve_only(Fd connection) { impl_->serve_only(std::move(connection)); }
void Server::run() { impl_->run(); }
void Server::stop() { impl_->stop(); }
std::optional<std::chrono::steady_clock::duration> Server::idle_for() const {
    return impl_->presence().empty_for();
}

}  // namespace brig::http
