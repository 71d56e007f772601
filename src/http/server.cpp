// Accepting connections and the life of the I/O thread.
#include "http/server.h"

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

    void listen(Fd listener) {
        auto descriptor =
            std::make_shared<Descriptor>(adopt(io_.get_executor(), std::move(listener)));
        asio::co_spawn(io_, accept_all(descriptor), [](const std::exception_ptr& failure) {
            if (failure) log::error("no longer accepting connections: {}", describe(failure));
        });
    }

    void run() {
        const auto guard = asio::make_work_guard(io_);
        io_.run();
    }
    void stop() { io_.stop(); }
    [[nodiscard]] const Presence& presence() const { return presence_; }

private:
    asio::awaitable<void> accept_all(std::shared_ptr<Descriptor> listener) {
        for (;;) {
            co_await listener->async_wait(Descriptor::wait_read, asio::use_awaitable);
            // Asio is told of a listener's readiness once, so all that wait are taken.
            while (accept_one(listener->native_handle())) {
            }
            if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR) continue;
            log::warn("cannot accept a connection: {}", std::strerror(errno));
            asio::steady_timer pause(io_, std::chrono::milliseconds(100));
            co_await pause.async_wait(quiet);
        }
    }

    bool accept_one(int listener) {
        sockaddr_storage peer{};
        socklen_t size = sizeof peer;
        Fd fd(::accept4(listener, reinterpret_cast<sockaddr*>(&peer), &size,
                        SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!fd) return false;
        Socket socket(io_);
        const int protocol = 0;
        socket.assign(asio::generic::stream_protocol(peer.ss_family, protocol), fd.get());
        (void)fd.release();
        presence_.enter();
        asio::co_spawn(io_, serve(std::move(socket), shared_),
                       [this](const std::exception_ptr& failure) {
                           presence_.leave();
                           if (failure) log::debug("connection ended: {}", describe(failure));
                       });
        return true;
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
void Server::listen(Fd listener) { impl_->listen(std::move(listener)); }
void Server::run() { impl_->run(); }
void Server::stop() { impl_->stop(); }
std::optional<std::chrono::steady_clock::duration> Server::idle_for() const {
    return impl_->presence().empty_for();
}

}  // namespace brig::http
