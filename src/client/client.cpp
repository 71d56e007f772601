// See client.h.
#include "client/client.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/strings.h"

namespace brig::client {
namespace {

constexpr std::size_t max_error_body = 1U << 20U;

/// {"message": "..."} as the Engine API reports failures, or the text itself.
std::string message_of(const std::string& body, const Response& response) {
    const auto json = nlohmann::json::parse(body, nullptr, false);
    if (json.is_object() && json.contains("message") && json["message"].is_string()) {
        return json["message"].get<std::string>();
    }
    std::string text(trim(body));
    if (!text.empty()) return text;
    return fmt::format("{} {}", response.status, response.reason);
}

std::string read_rest(Connection& connection, std::size_t limit) {
    std::string body;
    std::array<std::byte, 16384> buffer{};
    while (const std::size_t n = connection.read_body(buffer)) {
        if (body.size() + n > limit) {
            throw Error(ErrorKind::internal, "the engine's answer is longer than {} bytes", limit);
        }
        body.append(reinterpret_cast<const char*>(buffer.data()), n);
    }
    return body;
}

[[noreturn]] void fail(Connection& connection, const Response& response) {
    throw ApiError(response.status, message_of(read_rest(connection, max_error_body), response));
}

}  // namespace

ErrorKind kind_of_status(int status) {
    switch (status) {
        case 400: return ErrorKind::invalid_argument;
        case 401:
        case 403: return ErrorKind::permission_denied;
        case 404: return ErrorKind::not_found;
        case 409: return ErrorKind::conflict;
        case 412: return ErrorKind::failed_precondition;
        case 501: return ErrorKind::not_implemented;
        case 503: return ErrorKind::unavailable;
        default: return ErrorKind::internal;
    }
}

ApiError::ApiError(int status, std::string said)
    : Error(kind_of_status(status), "Error response from daemon: " + said),
      status_(status),
      said_(std::move(said)) {}

std::string encode(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    constexpr std::string_view plain = "-._~";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool letter = (byte | 0x20U) >= 'a' && (byte | 0x20U) <= 'z';
        if (letter || (byte >= '0' && byte <= '9') || plain.find(c) != std::string_view::npos) {
            out += c;
        } else {
            out += '%';
            out += digits[byte >> 4U];
            out += digits[byte & 15U];
        }
    }
    return out;
}

Query& Query::add(std::string_view name, std::string_view value) {
    text_ += text_.empty() ? '?' : '&';
    text_ += name;
    text_ += '=';
    text_ += encode(value);
    return *this;
}

Query& Query::flag(std::string_view name, bool value) { return value ? add(name, "1") : *this; }

void BodySink::write(std::string_view data) {
    sending_ = true;
    connection_.send_chunk(data);
    sending_ = false;
}

void BodySink::finish() {
    sending_ = true;
    connection_.finish_chunks();
}

void BodySink::wait_readable(int fd) const {
    for (;;) {
        std::array<pollfd, 2> fds{
            {{.fd = fd, .events = POLLIN}, {.fd = connection_.fd(), .events = 0}}};
        if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) throw SysError("poll");
        if ((fds[1].revents & (POLLHUP | POLLERR)) != 0) {
            sending_ = true;
            throw Error(ErrorKind::unavailable, "the engine closed the connection");
        }
        if (fds[0].revents != 0) return;
    }
}

Exchange::Exchange(Connection connection, bool to_head)
    : connection_(std::make_unique<Connection>(std::move(connection))), to_head_(to_head) {}

Exchange::Exchange(Exchange&&) noexcept = default;

Exchange::~Exchange() {
    if (!uploader_.joinable()) return;
    if (connection_->fd() >= 0) ::shutdown(connection_->fd(), SHUT_RDWR);  // ends its writes
    uploader_.join();
}

void Exchange::upload(BodySource source) {
    // The thread holds only what stays in place when this object moves.
    uploader_ = std::thread(
        [connection = connection_.get(), failure = upload_failure_, produce = std::move(source)] {
            BodySink sink(*connection);
            try {
                produce(sink);
                sink.finish();
            } catch (...) {
                // An engine that has stopped reading has said why, or will; a source that cannot be
                // read must not look complete.
                if (sink.connection_failed()) return;
                *failure = std::current_exception();
                ::shutdown(connection->fd(), SHUT_RDWR);
            }
        });
}

void Exchange::rethrow_upload_failure() {
    if (!uploader_.joinable()) return;
    if (connection_->fd() >= 0) ::shutdown(connection_->fd(), SHUT_RDWR);
    uploader_.join();
    if (*upload_failure_) std::rethrow_exception(*upload_failure_);
}

const Response& Exchange::response() {
    if (received_) return response_;
    try {
        response_ = connection_->receive(to_head_);
        received_ = true;
        if (response_.status >= 400) fail(*connection_, response_);
    } catch (const ApiError&) {
        throw;
    } catch (const Error&) {
        rethrow_upload_failure();
        throw;
    }
    return response_;
}

std::string_view Exchange::read() {
    response();
    buffer_.resize(64U << 10U);
    try {
        const auto n = connection_->read_body(std::as_writable_bytes(std::span(buffer_)));
        return std::string_view(buffer_).substr(0, n);
    } catch (const Error&) {
        rethrow_upload_failure();
        throw;
    }
}

std::string Exchange::read_all() {
    std::string all;
    for (auto piece = read(); !piece.empty(); piece = read()) all += piece;
    return all;
}

void Exchange::each_line(const std::function<void(std::string_view)>& line) {
    std::string pending;
    for (auto piece = read(); !piece.empty(); piece = read()) {
        pending += piece;
        std::size_t start = 0;
        for (auto end = pending.find('\n'); end != std::string::npos;
             end = pending.find('\n', start)) {
            std::string_view text(pending.data() + start, end - start);
            if (text.ends_with('\r')) text.remove_suffix(1);
            if (!text.empty()) line(text);
            start = end + 1;
        }
        pending.erase(0, start);
    }
    if (!pending.empty()) line(pending);
}

Hijacked Exchange::hijack() {
    const Response& head = response();
    const auto type = head.header("content-type");
    Hijacked result{.content_type = std::string(type.value_or(""))};
    result.early = connection_->take_inbox();
    result.socket = connection_->take_socket();
    return result;
}

Client::Client(Endpoint endpoint, std::string_view api_version)
    : endpoint_(std::move(endpoint)), prefix_(fmt::format("/v{}", api_version)) {}

std::string Client::target(std::string_view path) const { return prefix_ + std::string(path); }

void Client::connect_now() { kept_ = std::make_unique<Connection>(connect(endpoint_)); }

Reply Client::call(std::string_view method, std::string_view path, std::string body) {
    if (!kept_ || !kept_->reusable()) connect_now();
    kept_->send({.method = std::string(method), .target = target(path), .body = std::move(body)});
    const Response response = kept_->receive(method == "HEAD");
    if (response.status >= 400) fail(*kept_, response);
    return {response.status, read_rest(*kept_, std::size_t{1} << 30U)};
}

Exchange Client::begin(Request request) {
    request.target = target(request.target);
    Connection connection(connect(endpoint_));
    connection.send(request);
    return {std::move(connection), request.method == "HEAD"};
}

Exchange Client::begin(std::string_view method, std::string_view path) {
    return begin({.method = std::string(method), .target = std::string(path)});
}

Exchange Client::begin(Request request, BodySource source) {
    request.chunked = true;
    Exchange exchange = begin(std::move(request));
    exchange.upload(std::move(source));
    return exchange;
}

Exchange Client::begin_hijack(std::string_view path, std::string body) {
    return begin(
        {.method = "POST", .target = std::string(path), .body = std::move(body), .upgrade = true});
}

BodySource from_descriptor(int fd) {
    return [fd](BodySink& sink) {
        std::string buffer(256U << 10U, '\0');
        for (;;) {
            sink.wait_readable(fd);
            const auto n = read_some(fd, std::as_writable_bytes(std::span(buffer)));
            if (n == 0) return;
            sink.write(std::string_view(buffer).substr(0, n));
        }
    };
}

}  // namespace brig::client
