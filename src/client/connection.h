// One HTTP/1.1 connection, synchronous: requests out, responses in, and the socket itself once it
// has been upgraded. Small on purpose: `brig run` has milliseconds, and none are for start-up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"

namespace brig::client {

struct Header {
    std::string name;  ///< lower case in responses
    std::string value;
};

struct Request {
    std::string method = "GET";
    std::string target;  ///< path and query, already percent-encoded
    std::vector<Header> headers;
    std::string body;
    std::string content_type = "application/json";
    bool chunked = false;  ///< the body follows by Connection::send_chunk; `body` is not sent
    bool upgrade = false;  ///< ask for a raw stream ("Connection: Upgrade", "Upgrade: tcp")
};

struct Response {
    int status = 0;
    std::string reason;
    std::vector<Header> headers;

    /// The value of the first header with this lower-case name.
    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
};

/// Not thread-safe, except that one thread may send a body while another one receives.
class Connection {
public:
    explicit Connection(Fd socket) : socket_(std::move(socket)) {}

    void send(const Request& request);
    void send_chunk(std::string_view data);
    void finish_chunks();

    /// The head of the next final response; 1xx other than 101 are skipped. `to_head`: the
    /// request was HEAD. Throws Error{unavailable} when the engine hangs up, Error{internal} for
    /// what is not HTTP.
    Response receive(bool to_head = false);
    /// Up to `buffer.size()` bytes of the body; 0 is its end. Throws like receive; a connection
    /// cut in the middle of a body is an error, not an end.
    std::size_t read_body(std::span<std::byte> buffer);

    /// Whether the next read would find data already here, without asking the kernel.
    [[nodiscard]] bool has_buffered_input() const { return position_ < inbox_.size(); }
    /// The body was read to its end, the peer keeps the connection and has not closed it since.
    [[nodiscard]] bool reusable() const;
    [[nodiscard]] int fd() const { return socket_.get(); }
    /// After a 101 or an upgraded 200: the raw stream, and what of it has been read already.
    [[nodiscard]] Fd take_socket() { return std::move(socket_); }
    [[nodiscard]] std::string take_inbox();

private:
    enum class Framing { none, length, chunked, until_close };

    void write(std::string_view data);
    bool fill();
    std::string read_line();
    std::string read_head_line();
    Response receive_one();
    void choose_framing(const Response& response, bool to_head);
    void next_chunk();
    std::size_t take(std::span<std::byte> buffer, std::uint64_t limit);

    Fd socket_;
    std::string inbox_;
    std::size_t position_ = 0;
    std::size_t head_size_ = 0;
    Framing framing_ = Framing::none;
    std::uint64_t remaining_ = 0;  ///< of the body or of the current chunk
    bool first_chunk_ = false;
    bool peer_closes_ = false;
};

}  // namespace brig::client
