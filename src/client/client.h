// The Docker Engine API from a program's side: JSON calls on one kept connection, streams and
// hijacked connections on connections of their own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/error.h"
#include "client/connection.h"
#include "client/endpoint.h"

namespace brig::client {

/// What the engine answered with a status of 400 or more. message() begins with
/// "Error response from daemon: "; `said` is what the engine itself said.
class ApiError : public Error {
public:
    ApiError(int status, std::string said);
    [[nodiscard]] int status() const { return status_; }
    [[nodiscard]] const std::string& said() const { return said_; }

private:
    int status_;
    std::string said_;
};

ErrorKind kind_of_status(int status);

/// Percent-encodes one path segment or query value.
std::string encode(std::string_view text);

/// "?a=b&c=d" from name and value pairs; empty without pairs.
class Query {
public:
    Query& add(std::string_view name, std::string_view value);
    /// Adds name=1 where `value` holds.
    Query& flag(std::string_view name, bool value);
    [[nodiscard]] const std::string& str() const { return text_; }

private:
    std::string text_;
};

struct Reply {
    int status = 0;
    std::string body;
};

/// A raw two-way stream (attach, exec): `early` is what has arrived already.
struct Hijacked {
    Fd socket;
    std::string early;
    std::string content_type;
};

/// Where a body source writes its pieces.
class BodySink {
public:
    explicit BodySink(Connection& connection) : connection_(connection) {}
    void write(std::string_view data);
    /// Waits until `fd` can be read; throws Error{unavailable} once the engine has hung up.
    void wait_readable(int fd) const;
    /// A failure now is the connection's, not the source's.
    [[nodiscard]] bool connection_failed() const { return sending_; }

private:
    friend class Exchange;
    void finish();

    Connection& connection_;
    mutable bool sending_ = false;
};

/// Writes a request body piece by piece.
using BodySource = std::function<void(BodySink&)>;

/// A request under way on its own connection. Destroying it hangs up.
class Exchange {
public:
    Exchange(Connection connection, bool to_head);
    Exchange(Exchange&&) noexcept;
    Exchange& operator=(Exchange&&) = delete;
    ~Exchange();

    /// Waits for the response's head. Throws ApiError for a status of 400 or more.
    const Response& response();
    /// Some bytes of the body; empty is its end. Throws the body source's error where it failed.
    std::string_view read();
    std::string read_all();
    /// Calls back once for every line of the body, without its end.
    void each_line(const std::function<void(std::string_view)>& line);
    /// After response(): the raw stream.
    Hijacked hijack();
    /// Becomes readable when there is something to read (unless has_input()).
    [[nodiscard]] int fd() const { return connection_->fd(); }
    [[nodiscard]] bool has_input() const { return connection_->has_buffered_input(); }

private:
    friend class Client;
    void upload(BodySource source);
    void rethrow_upload_failure();

    std::unique_ptr<Connection> connection_;
    bool to_head_;
    bool received_ = false;
    Response response_;
    std::string buffer_;
    std::thread uploader_;
    std::shared_ptr<std::exception_ptr> upload_failure_ = std::make_shared<std::exception_ptr>();
};

/// Not thread-safe. Connects on first use.
class Client {
public:
    /// `api_version` ("1.51") becomes the path's prefix.
    explicit Client(Endpoint endpoint, std::string_view api_version);

    [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }

    /// Connects already. Throws as client::connect does.
    void connect_now();
    /// One request and its whole answer, on the kept connection. Throws ApiError, Error.
    Reply call(std::string_view method, std::string_view path, std::string body = {});
    /// Sends on a connection of its own and does not wait.
    Exchange begin(Request request);
    Exchange begin(std::string_view method, std::string_view path);
    /// The same, with a body that is produced in a second thread while the answer is read.
    Exchange begin(Request request, BodySource source);
    /// Asks for a raw stream without waiting; see Exchange::hijack.
    Exchange begin_hijack(std::string_view path, std::string body = {});

private:
    [[nodiscard]] std::string target(std::string_view path) const;

    Endpoint endpoint_;
    std::string prefix_;
    std::unique_ptr<Connection> kept_;
};

/// A body source that copies a descriptor to its end. The descriptor must outlive the exchange.
BodySource from_descriptor(int fd);

}  // namespace brig::client
