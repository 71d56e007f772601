// HTTP as the handlers see it. The server behind it is Beast's, but only connection.cpp knows:
// handlers are plain synchronous functions, and everything of unbounded size is a file descriptor.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/fd.h"

namespace brig::http {

/// Set before the writing end of a stream is closed at its proper end. End of file alone does not
/// tell that from one that broke off: FreeBSD's unix sockets have no way to end with an error.
using Completed = std::shared_ptr<std::atomic<bool>>;

/// A body that comes while it is read.
class BodyStream {
public:
    BodyStream() = default;
    /// Without `completed`, every end of file is a proper end.
    BodyStream(Fd fd, Completed completed = nullptr)
        : fd_(std::move(fd)), completed_(std::move(completed)) {}
    /// 0 at the end. Throws Error{cancelled} where the client broke off.
    std::size_t read(std::span<std::byte> buffer);

private:
    Fd fd_;
    Completed completed_;
};

struct Request {
    std::string method;
    std::string path;                               ///< percent-decoded, without the query
    std::multimap<std::string, std::string> query;  ///< decoded
    std::map<std::string, std::string> headers;     ///< names in lower case
    std::map<std::string, std::string> parameters;  ///< what {name} in the route's pattern matched
    std::string version;                            ///< API version asked for: "1.51"
    std::string body;                               ///< for BodyMode::buffered
    BodyStream body_stream;                         ///< for BodyMode::streamed

    /// The first value of a query parameter; empty when absent.
    [[nodiscard]] std::string param(std::string_view name) const;
    [[nodiscard]] bool has_param(std::string_view name) const;
    /// Docker's reading of a flag: absent, "", "0", "no", "false", "none" are false.
    [[nodiscard]] bool flag(std::string_view name, bool absent = false) const;
    [[nodiscard]] std::string header(std::string_view lower_case_name) const;
    [[nodiscard]] const std::string& parameter(std::string_view name) const;
    /// Whether the client asked for a protocol switch (Connection: Upgrade).
    [[nodiscard]] bool wants_upgrade() const;
    /// Whether the API version asked for is `version` or later.
    [[nodiscard]] bool at_least(std::string_view version) const;
};

/// The connection stops being HTTP: bytes go both ways between the client and `stream`, with half
/// close (the client's end of file becomes shutdown(SHUT_WR) on `stream`). End of file on `stream`
/// ends the connection.
struct Upgrade {
    Fd stream;  ///< a connected stream socket
    std::string content_type = "application/vnd.docker.raw-stream";
    /// Instead of `stream`, for one that begins when the client has been told that it will: called
    /// once, on a handler's thread. Must not throw.
    std::function<Fd()> open = {};
};

/// A part of a file, sent with its length.
struct FileBody {
    Fd file;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

/// `body` as Fd (pipe or stream socket) is sent as it becomes readable, until end of file. When the
/// client goes away the descriptor is closed, so that the writer's next write fails with EPIPE.
struct Reply {
    int status = 200;
    std::vector<std::pair<std::string, std::string>> headers;
    std::variant<std::string, Fd, Upgrade, FileBody> body;
    /// For a body as Fd: says whether its end of file is the end, or the reply is to break off.
    Completed completed = nullptr;
};

enum class BodyMode { buffered, streamed };

/// What a server serves. Called from many threads at once.
class Service {
public:
    virtual ~Service() = default;
    /// Decides from the head alone how the body reaches handle(). Must not block.
    virtual BodyMode body_mode(const Request& head) const = 0;
    /// Must turn every failure into a Reply; a throw becomes a bare status 500.
    virtual Reply handle(Request request) = 0;
};

/// The one table from kinds of failure to HTTP statuses.
int http_status(ErrorKind kind);

/// Splits and decodes "/path?a=b&c": fills path and query. Throws Error{invalid_argument} for bad
/// percent escapes and control characters.
void parse_target(std::string_view target, Request& request);

}  // namespace brig::http
