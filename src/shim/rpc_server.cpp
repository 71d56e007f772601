// See rpc_server.h.
#include "shim/rpc_server.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "base/log.h"
#include "shim/frame.h"
#include "shim/rpc_status.h"
#include "shim/ttrpc.pb.h"

namespace brig::shim {
namespace {

/// A peer that lets this much pile up is not reading any more.
constexpr std::size_t max_unsent = 8U << 20U;

}  // namespace

class Connection final : public os::Watcher, public std::enable_shared_from_this<Connection> {
public:
    Connection(RpcServer& server, Fd socket)
        : server_(server),
          socket_(std::move(socket)),
          watch_(std::make_unique<os::Watch>(server.poller_, socket_, *this,
                                             os::Interest{.readable = true})) {}

    void send(const Frame& frame) {
        if (!socket_) return;
        unsent_ += encode(frame);
        flush();
    }

    Hijacked hijack() {
        if (!socket_) throw Error(ErrorKind::cancelled, "the caller is gone");
        watch_.reset();
        Hijacked result{std::move(socket_), reader_.take_rest(), std::move(unsent_)};
        server_.close(this);
        return result;
    }

    void on_ready(os::Ready ready) override {
        // Keeps this alive when a handler closes or hijacks the connection.
        const auto self = shared_from_this();
        if (ready.writable) flush();
        if (socket_ && (ready.readable || ready.hangup)) receive();
    }

private:
    void receive() {
        std::array<char, 16384> buffer;
        const ssize_t n = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (n <= 0) return close();
        reader_.feed({buffer.data(), static_cast<std::size_t>(n)});
        try {
            while (socket_) {
                const auto frame = reader_.next();
                if (!frame) return;
                // Data of a client's stream: no method takes any.
                if (frame->type != FrameType::request) continue;
                server_.dispatch(shared_from_this(), frame->stream, frame->data);
            }
        } catch (const Error& e) {
            log::warn("connection closed: {}", e.message());
            close();
        }
    }

    void flush() {
        const ssize_t n =
            ::send(socket_.get(), unsent_.data(), unsent_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR) return close();
        if (n > 0) unsent_.erase(0, static_cast<std::size_t>(n));
        if (unsent_.size() > max_unsent) return close();
        watch_->set({.readable = true, .writable = !unsent_.empty()});
    }

    void close() {
        const auto self = shared_from_this();
        watch_.reset();
        socket_.reset();
        server_.close(this);
    }

    RpcServer& server_;
    Fd socket_;
    std::unique_ptr<os::Watch> watch_;
    FrameReader reader_;
    std::string unsent_;
};

namespace {

Frame response(std::uint32_t stream, std::string payload) {
    ttrpc::Response message;
    message.mutable_status();
    message.set_payload(std::move(payload));
    return {stream, FrameType::response, 0, message.SerializeAsString()};
}

}  // namespace

void Call::reply(std::string payload) {
    if (const auto connection = connection_.lock())
        connection->send(response(stream_, std::move(payload)));
}

void Call::fail(const Error& error) {
    const auto connection = connection_.lock();
    if (!connection) return;
    ttrpc::Response message;
    message.mutable_status()->set_code(to_code(error.kind()));
    message.mutable_status()->set_message(error.message());
    connection->send({stream_, FrameType::response, 0, message.SerializeAsString()});
}

void Call::send(std::string payload) {
    if (const auto connection = connection_.lock()) {
        connection->send({stream_, FrameType::data, 0, std::move(payload)});
    }
}

Hijacked Call::hijack(std::string payload) {
    const auto connection = connection_.lock();
    if (!connection) throw Error(ErrorKind::cancelled, "the caller is gone");
    connection->send(response(stream_, std::move(payload)));
    return connection->hijack();
}

RpcServer::RpcServer(os::Poller& poller, Fd listener, Handler handler)
    : poller_(poller),
      listener_(std::move(listener)),
      handler_(std::move(handler)),
      watch_(poller, listener_, *this, {.readable = true}) {}

RpcServer::~RpcServer() = default;

void RpcServer::on_ready(os::Ready) {
    Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) {
        if (errno != EMFILE && errno != ENFILE) return;
        // The connection stays in the queue; without a pause the loop would spin on it.
        watch_.set({});
        poller_.call_after(std::chrono::milliseconds(100),
                           [this] { watch_.set({.readable = true}); });
        return;
    }
    const auto connection = std::make_shared<Connection>(*this, std::move(socket));
    connections_.emplace(connection.get(), connection);
}

void RpcServer::dispatch(const std::shared_ptr<Connection>& connection, std::uint32_t stream,
                         const std::string& request) {
    Call call(connection, stream);
    try {
        ttrpc::Request message;
        if (stream % 2 == 0 || !message.ParseFromString(request)) {
            throw Error(ErrorKind::invalid_argument, "malformed ttrpc request");
        }
        handler_(message.service() + "/" + message.method(), message.payload(), call);
    } catch (const Error& e) {
        call.fail(e);
    } catch (const std::exception& e) {
        call.fail(Error(ErrorKind::internal, std::string(e.what())));
    }
}

void RpcServer::close(Connection* connection) { connections_.erase(connection); }

}  // namespace brig::shim
