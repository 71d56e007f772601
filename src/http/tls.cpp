// See tls.h.
#include "http/tls.h"

#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "base/error.h"
#include "base/log.h"

namespace brig::http {
namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;

class TlsContext {
public:
    ssl::context context{ssl::context::tls_server};
};

namespace {

constexpr auto quiet = asio::as_tuple(asio::use_awaitable);
constexpr auto handshake_time = std::chrono::seconds(30);

/// One client's stream and its decrypted double. Whichever direction ends last lets go of it.
struct Tunnel {
    Tunnel(Socket outer, std::shared_ptr<TlsContext> tls, Socket inner_end)
        : context(std::move(tls)),
          stream(std::move(outer), context->context),
          inner(std::move(inner_end)) {}
    std::shared_ptr<TlsContext> context;
    ssl::stream<Socket> stream;
    Socket inner;
};

asio::awaitable<void> decrypt(std::shared_ptr<Tunnel> tunnel) {
    TransferBuffer buffer;
    for (;;) {
        const auto [error, count] = co_await tunnel->stream.async_read_some(
            asio::buffer(buffer.data(), buffer.size()), quiet);
        if (error) break;
        const auto [failed, n] =
            co_await asio::async_write(tunnel->inner, asio::buffer(buffer.data(), count), quiet);
        if (failed) break;
        buffer.used(count);
    }
    boost::system::error_code ignored;
    tunnel->inner.shutdown(Socket::shutdown_send, ignored);
}

asio::awaitable<void> encrypt(std::shared_ptr<Tunnel> tunnel) {
    TransferBuffer buffer;
    for (;;) {
        const auto [error, count] = co_await tunnel->inner.async_read_some(
            asio::buffer(buffer.data(), buffer.size()), quiet);
        if (error) break;
        const auto [failed, n] =
            co_await asio::async_write(tunnel->stream, asio::buffer(buffer.data(), count), quiet);
        if (failed) break;
        buffer.used(count);
    }
    co_await tunnel->stream.async_shutdown(quiet);
    boost::system::error_code ignored;
    tunnel->stream.next_layer().close(ignored);
}

/// False when it fails or takes too long.
asio::awaitable<bool> shake_hands(std::shared_ptr<Tunnel> tunnel) {
    asio::steady_timer deadline(tunnel->inner.get_executor(), handshake_time);
    deadline.async_wait([tunnel](boost::system::error_code cancelled) {
        boost::system::error_code ignored;
        if (!cancelled) tunnel->stream.next_layer().close(ignored);
    });
    const auto [error] = co_await tunnel->stream.async_handshake(ssl::stream_base::server, quiet);
    deadline.cancel();
    if (error) log::debug("TLS handshake failed: {}", error.message());
    co_return !error;
}

Socket unix_end(const asio::any_io_executor& executor, Fd fd) {
    Socket socket(executor);
    socket.assign(asio::generic::stream_protocol(AF_UNIX, 0), fd.get());
    (void)fd.release();
    return socket;
}

void check(const boost::system::error_code& error, const char* what,
           const std::filesystem::path& file) {
    if (!error) return;
    throw Error(ErrorKind::invalid_argument, "cannot use {} as the TLS {}: {}", file.string(), what,
                error.message());
}

}  // namespace

std::shared_ptr<TlsContext> load_tls(const TlsFiles& files) {
    auto out = std::make_shared<TlsContext>();
    boost::system::error_code error;
    out->context.set_options(ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1, error);
    out->context.use_certificate_chain_file(files.certificate.string(), error);
    check(error, "certificate", files.certificate);
    out->context.use_private_key_file(files.key.string(), ssl::context::pem, error);
    check(error, "key", files.key);
    return out;
}

asio::awaitable<void> serve_tls(Socket socket, std::shared_ptr<TlsContext> tls, Shared& shared) {
    const auto executor = socket.get_executor();
    auto pair = make_socket_pair();
    Socket near = unix_end(executor, std::move(pair.first));
    auto tunnel = std::make_shared<Tunnel>(std::move(socket), std::move(tls),
                                           unix_end(executor, std::move(pair.second)));
    const bool agreed = co_await shake_hands(tunnel);
    if (!agreed) co_return;
    const auto logged = [](const std::exception_ptr& failure) {
        if (failure) log::debug("TLS connection ended: {}", describe(failure));
    };
    asio::co_spawn(executor, decrypt(tunnel), logged);
    asio::co_spawn(executor, encrypt(tunnel), logged);
    tunnel.reset();
    co_await serve(std::move(near), shared);
}

}  // namespace brig::http
