// HTTP/1.1 framing (RFC 9112) for a peer that we trust to be an engine, but not to be well: sizes
// are bounded and a cut connection never passes for a complete body.
#include "client/connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>

#include "base/error.h"
#include "base/strings.h"

namespace brig::client {
namespace {

constexpr std::size_t max_head = 256U << 10U;
constexpr std::size_t read_size = 64U << 10U;

[[noreturn]] void malformed(std::string_view what) {
    throw Error(ErrorKind::internal, "the engine sent a malformed HTTP response: {}", what);
}

[[noreturn]] void hung_up() {
    throw Error(ErrorKind::unavailable, "the engine closed the connection");
}

bool lists_token(std::string_view list, std::string_view token) {
    for (const auto& part : split(list, ',')) {
        if (to_lower(trim(part)) == token) return true;
    }
    return false;
}

std::string head_of(const Request& request) {
    std::string head;
    head.reserve(256);
    head += request.method;
    head += ' ';
    head += request.target;
    head += " HTTP/1.1\r\nHost: brig\r\nUser-Agent: brig\r\n";
    for (const auto& header : request.headers) head += header.name + ": " + header.value + "\r\n";
    if (request.upgrade) head += "Connection: Upgrade\r\nUpgrade: tcp\r\n";
    const bool has_body = request.chunked || !request.body.empty();
    if (has_body) head += "Content-Type: " + request.content_type + "\r\n";
    if (request.chunked) {
        head += "Transfer-Encoding: chunked\r\n";
    } else if (has_body || request.method != "GET") {
        head += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
    }
    head += "\r\n";
    return head;
}

Response parse_status_line(std::string_view line) {
    // "HTTP/1.1 200 OK"
    if (!line.starts_with("HTTP/1.") || line.size() < 12 || line[8] != ' ')
        malformed(line.substr(0, 40));
    const auto status = parse_int<int>(line.substr(9, 3));
    if (!status || *status < 100 || *status > 599) malformed(line.substr(0, 40));
    Response response{.status = *status};
    if (line.size() > 13) response.reason = line.substr(13);
    return response;
}

Header parse_header(std::string_view line) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) malformed(line.substr(0, 40));
    return {to_lower(line.substr(0, colon)), std::string(trim(line.substr(colon + 1)))};
}

}  // namespace

std::optional<std::string_view> Response::header(std::string_view name) const {
    for (const auto& candidate : headers) {
        if (candidate.name == name) return candidate.value;
    }
    return std::nullopt;
}

void Connection::write(std::string_view data) {
    while (!data.empty()) {
        const auto n = ::send(socket_.get(), data.data(), data.size(), MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EPIPE || errno == ECONNRESET)) hung_up();
        if (n < 0) throw SysError("send to the engine");
        data.remove_prefix(static_cast<std::size_t>(n));
    }
}

void Connection::send(const Request& request) {
    std::string head = head_of(request);
    if (!request.chunked) head += request.body;
    write(head);
}

void Connection::send_chunk(std::string_view data) {
    if (data.empty()) return;  // an empty chunk would end the body
    write(fmt::format("{:x}\r\n", data.size()));
    write(data);
    write("\r\n");
}

void Connection::finish_chunks() { write("0\r\n\r\n"); }

bool Connection::fill() {
    if (position_ == inbox_.size()) {
        inbox_.clear();
        position_ = 0;
    }
    const std::size_t had = inbox_.size();
    inbox_.resize(had + read_size);
    const auto buffer = std::as_writable_bytes(std::span(inbox_).subspan(had));
    std::size_t n = 0;
    try {
        n = read_some(socket_.get(), buffer);
    } catch (const SysError& error) {
        inbox_.resize(had);
        if (error.error_number() != ECONNRESET) throw;
    }
    inbox_.resize(had + n);
    return n > 0;
}

std::string Connection::read_line() {
    std::size_t searched = position_;
    for (;;) {
        const auto end = inbox_.find('\n', searched);
        if (end != std::string::npos) {
            std::string line = inbox_.substr(position_, end - position_);
            position_ = end + 1;
            if (line.ends_with('\r')) line.pop_back();
            return line;
        }
        if (inbox_.size() - position_ > max_head) malformed("a line without end");
        const std::size_t pending = inbox_.size() - position_;
        if (!fill()) hung_up();
        searched = position_ + pending;
    }
}

std::string Connection::read_head_line() {
    std::string line = read_line();
    head_size_ += line.size();
    if (head_size_ > max_head) malformed("a head of more than 256 KiB");
    return line;
}

Response Connection::receive_one() {
    head_size_ = 0;
    Response response = parse_status_line(read_head_line());
    for (std::string line = read_head_line(); !line.empty(); line = read_head_line()) {
        response.headers.push_back(parse_header(line));
    }
    return response;
}

Response Connection::receive(bool to_head) {
    Response response = receive_one();
    while (response.status < 200 && response.status != 101) response = receive_one();
    choose_framing(response, to_head);
    return response;
}

void Connection::choose_framing(const Response& response, bool to_head) {
    remaining_ = 0;
    const auto connection = response.header("connection");
    peer_closes_ = connection && lists_token(*connection, "close");
    const auto encoding = response.header("transfer-encoding");
    const auto length = response.header("content-length");
    if (to_head || response.status == 101 || response.status == 204 || response.status == 304) {
        framing_ = Framing::none;
    } else if (encoding && lists_token(*encoding, "chunked")) {
        framing_ = Framing::chunked;
        first_chunk_ = true;
    } else if (length) {
        const auto size = parse_int<std::uint64_t>(*length);
        if (!size) malformed("content-length " + std::string(*length));
        framing_ = *size > 0 ? Framing::length : Framing::none;
        remaining_ = *size;
    } else {
        framing_ = Framing::until_close;
        peer_closes_ = true;
    }
}

void Connection::next_chunk() {
    if (!first_chunk_ && !read_line().empty()) malformed("a chunk longer than its size");
    first_chunk_ = false;
    const std::string line = read_line();
    const std::string_view digits = trim(std::string_view(line).substr(0, line.find(';')));
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), remaining_, 16);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) {
        malformed("chunk size " + line.substr(0, 40));
    }
    if (remaining_ > 0) return;
    for (head_size_ = 0; !read_head_line().empty();) {
    }  // trailers
    framing_ = Framing::none;
}

std::size_t Connection::take(std::span<std::byte> buffer, std::uint64_t limit) {
    if (position_ == inbox_.size() && !fill()) return 0;
    const auto n = static_cast<std::size_t>(
        std::min<std::uint64_t>({buffer.size(), inbox_.size() - position_, limit}));
    std::memcpy(buffer.data(), inbox_.data() + position_, n);
    position_ += n;
    return n;
}

std::size_t Connection::read_body(std::span<std::byte> buffer) {
    if (framing_ == Framing::chunked && remaining_ == 0) next_chunk();
    if (framing_ == Framing::none || buffer.empty()) return 0;
    if (framing_ == Framing::until_close) {
        const std::size_t n = take(buffer, UINT64_MAX);
        if (n == 0) framing_ = Framing::none;
        return n;
    }
    const std::size_t n = take(buffer, remaining_);
    if (n == 0) hung_up();
    remaining_ -= n;
    if (remaining_ == 0 && framing_ == Framing::length) framing_ = Framing::none;
    return n;
}

bool Connection::reusable() const {
    if (!socket_ || framing_ != Framing::none || peer_closes_ || has_buffered_input()) return false;
    pollfd probe{.fd = socket_.get(), .events = POLLIN};
    return ::poll(&probe, 1, 0) == 0;  // readable while idle means closed, or garbage
}

std::string Connection::take_inbox() {
    std::string rest = inbox_.substr(position_);
    inbox_.clear();
    position_ = 0;
    return rest;
}

}  // namespace brig::client
