// Both directions of a hijacked connection are coroutines over one shared state; whoever finishes
// last releases it.
#include "http/relay.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <memory>

#include "base/error.h"
#include "os/poller.h"

namespace brig::http {
namespace asio = boost::asio;
namespace {

constexpr auto quiet = asio::as_tuple(asio::use_awaitable);
constexpr auto hang_up_interval = std::chrono::milliseconds(250);
constexpr auto linger_time = std::chrono::seconds(10);

struct Hijack {
    Hijack(Socket& socket, Descriptor descriptor)
        : client(socket), stream(std::move(descriptor)), uplink_ended(socket.get_executor()) {
        uplink_ended.expires_at(std::chrono::steady_clock::time_point::max());
    }
    Socket& client;
    Descriptor stream;
    asio::steady_timer uplink_ended;  // cancelled when the uplink is over
    bool uplink_over = false;
    bool downlink_over = false;
};

/// Client to stream, until the client sends no more.
asio::awaitable<void> copy_up(Hijack& hijack, std::string pending) {
    if (!pending.empty()) {
        const auto [error, n] =
            co_await asio::async_write(hijack.stream, asio::buffer(pending), quiet);
        if (error) co_return;
    }
    TransferBuffer buffer;
    for (;;) {
        const auto [error, count] = co_await hijack.client.async_read_some(
            asio::buffer(buffer.data(), buffer.size()), quiet);
        if (error) break;
        const auto [failed, n] =
            co_await asio::async_write(hijack.stream, asio::buffer(buffer.data(), count), quiet);
        if (failed) co_return;
        buffer.used(count);
    }
    if (hijack.stream.is_open()) ::shutdown(hijack.stream.native_handle(), SHUT_WR);
}

/// Ends the stream when the client has gone altogether, or returns when the downlink is over.
asio::awaitable<void> follow_client(Hijack& hijack) {
    const auto [error] = co_await hijack.client.async_wait(Socket::wait_error, quiet);
    if (!error) hijack.stream.close();
}

/// The same where the kernel does not tell of it.
asio::awaitable<void> ask_after_client(Hijack& hijack) {
    asio::steady_timer pause(hijack.client.get_executor());
    while (!hijack.downlink_over && hijack.client.is_open()) {
        pollfd client{hijack.client.native_handle(), 0, 0};
        const bool answered = ::poll(&client, 1, 0) > 0;
        if (answered && (client.revents & (POLLHUP | POLLERR)) != 0) {
            hijack.stream.close();
            co_return;
        }
        pause.expires_after(hang_up_interval);
        co_await pause.async_wait(quiet);
    }
}

asio::awaitable<void> uplink(Hijack& hijack, std::string pending) {
    co_await copy_up(hijack, std::move(pending));
    // A client that only closed its sending side waits for output; one that has gone altogether
    // hangs up, and must not leave an attachment behind for as long as the container is silent.
    if (hijack.downlink_over) co_return;
    if (os::tells_hangups()) {
        co_await follow_client(hijack);
    } else {
        co_await ask_after_client(hijack);
    }
}

/// Some clients (docker's for Python) read the reply's head with a buffer and then go on without
/// it: what came together with the head is lost to them. So the head is given the time to be read
/// on its own.
asio::awaitable<void> let_head_be_read(Socket& client) {
    asio::steady_timer pause(client.get_executor());
    for (int tries = 0; tries < 50; ++tries) {
        int unread = 0;
        if (::ioctl(client.native_handle(), TIOCOUTQ, &unread) < 0 || unread == 0) co_return;
        pause.expires_after(std::chrono::microseconds(200));
        co_await pause.async_wait(quiet);
    }
}

asio::awaitable<void> downlink(Hijack& hijack) {
    TransferBuffer buffer;
    bool first = true;
    for (;;) {
        const auto [error, count] = co_await hijack.stream.async_read_some(
            asio::buffer(buffer.data(), buffer.size()), quiet);
        if (error) co_return;
        if (first) co_await let_head_be_read(hijack.client);
        first = false;
        const auto [failed, n] =
            co_await asio::async_write(hijack.client, asio::buffer(buffer.data(), count), quiet);
        if (failed) co_return;
        buffer.used(count);
    }
}

asio::awaitable<void> discard_input(Socket& client) {
    TransferBuffer buffer;
    for (;;) {
        const auto [error, count] =
            co_await client.async_read_some(asio::buffer(buffer.data(), buffer.size()), quiet);
        if (error) co_return;
    }
}

}  // namespace

Descriptor adopt(const asio::any_io_executor& executor, Fd fd) {
    const int flags = ::fcntl(fd.get(), F_GETFL);
    if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) < 0) {
        throw SysError("make a stream non-blocking");
    }
    boost::system::error_code error;
    Descriptor descriptor(executor);
    descriptor.assign(fd.get(), error);
    if (error) throw SysError(error.value(), "watch a stream");
    (void)fd.release();
    return descriptor;
}

asio::awaitable<void> relay(Socket& client, std::string pending, Fd stream) {
    Hijack hijack(client, adopt(client.get_executor(), std::move(stream)));
    asio::co_spawn(client.get_executor(), uplink(hijack, std::move(pending)),
                   [&hijack](const std::exception_ptr&) {
                       hijack.uplink_over = true;
                       hijack.uplink_ended.cancel();
                   });
    co_await downlink(hijack);
    hijack.downlink_over = true;
    boost::system::error_code ignored;
    client.shutdown(Socket::shutdown_send, ignored);
    if (!hijack.uplink_over) {
        client.cancel(ignored);
        hijack.stream.close(ignored);
        while (!hijack.uplink_over) co_await hijack.uplink_ended.async_wait(quiet);
    }
}

asio::awaitable<void> linger(Socket& client) {
    boost::system::error_code ignored;
    client.shutdown(Socket::shutdown_send, ignored);
    asio::steady_timer deadline(client.get_executor(), linger_time);
    const auto waiting = std::make_shared<bool>(true);
    deadline.async_wait([&client, waiting](boost::system::error_code cancelled) {
        boost::system::error_code nothing;
        if (!cancelled && *waiting) client.close(nothing);
    });
    co_await discard_input(client);
    *waiting = false;
}

asio::awaitable<bool> wait_gone(Socket& client) {
    const auto [error] = co_await client.async_wait(Socket::wait_read, quiet);
    if (error) co_return error != asio::error::operation_aborted;
    char byte = 0;
    const auto count = ::recv(client.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    co_return count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR);
}

}  // namespace brig::http
