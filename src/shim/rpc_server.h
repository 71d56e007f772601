// The serving half of ttrpc on a unix socket, within a poller's loop. What a connection asks goes
// to one handler, which answers at once, later, as a stream, or by taking the connection over.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/fd.h"
#include "os/poller.h"

namespace brig::shim {

class Connection;

/// A connection that is no longer ttrpc.
struct Hijacked {
    Fd socket;           ///< non-blocking
    std::string unread;  ///< came from the peer behind the request
    std::string unsent;  ///< must go to the peer before anything else
};

/// One request, to be answered by exactly one of reply(), fail() and hijack(), or by any number of
/// send() until the peer is gone. May be kept; answering into a closed connection does nothing.
class Call {
public:
    Call(std::weak_ptr<Connection> connection, std::uint32_t stream)
        : connection_(std::move(connection)), stream_(stream) {}

    void reply(std::string payload);
    void fail(const Error& error);
    /// A frame of a server stream.
    void send(std::string payload);
    /// Replies and takes the connection away from ttrpc. Throws Error{cancelled} when it is gone.
    Hijacked hijack(std::string payload);
    [[nodiscard]] bool alive() const { return !connection_.expired(); }

private:
    std::weak_ptr<Connection> connection_;
    std::uint32_t stream_;
};

class RpcServer final : private os::Watcher {
public:
    /// `method` is "service/method". What it throws is answered as a failure.
    using Handler =
        std::function<void(std::string_view method, std::string_view payload, Call call)>;

    /// `listener` is a listening non-blocking unix socket.
    RpcServer(os::Poller& poller, Fd listener, Handler handler);
    ~RpcServer();
    RpcServer(const RpcServer&) = delete;
    RpcServer& operator=(const RpcServer&) = delete;

    [[nodiscard]] std::size_t connections() const { return connections_.size(); }

private:
    friend class Connection;
    void on_ready(os::Ready ready) override;
    void dispatch(const std::shared_ptr<Connection>& connection, std::uint32_t stream,
                  const std::string& request);
    void close(Connection* connection);

    os::Poller& poller_;
    Fd listener_;
    Handler handler_;
    std::map<Connection*, std::shared_ptr<Connection>> connections_;
    os::Watch watch_;
};

}  // namespace brig::shim
