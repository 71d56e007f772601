// See reply_writer.h. Heads are written as text (wire.h).
#include "http/reply_writer.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "http/wire.h"

namespace brig::http {
namespace asio = boost::asio;
namespace {

constexpr auto quiet = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t file_buffer = 256U << 10U;
constexpr std::string_view closing = "Connection: close\r\n";
constexpr std::string_view chunked = "Transfer-Encoding: chunked\r\n";

}  // namespace

asio::awaitable<bool> ReplyWriter::text(Reply reply, bool head_only) {
    const auto& body = std::get<std::string>(reply.body);
    std::string framing(keep_alive ? "" : closing);
    if (!bodiless(reply)) framing += fmt::format("Content-Length: {}\r\n", body.size());
    const auto head = head_text(reply, framing);
    std::vector<asio::const_buffer> parts{asio::buffer(head)};
    if (!head_only && !bodiless(reply)) parts.push_back(asio::buffer(body));
    const auto [error, n] = co_await asio::async_write(socket_, parts, quiet);
    co_return !error;
}

asio::awaitable<bool> ReplyWriter::file(const Reply& reply, bool head_only) {
    const auto& body = std::get<FileBody>(reply.body);
    const auto head = head_text(
        reply, fmt::format("Content-Length: {}\r\n{}", body.length, keep_alive ? "" : closing));
    const auto [error, n] = co_await asio::async_write(socket_, asio::buffer(head), quiet);
    if (error) co_return false;
    if (head_only) co_return true;
    co_return co_await copy_file(body);
}

/// A file that is shorter than was promised ends the connection: the client sees that.
asio::awaitable<bool> ReplyWriter::copy_file(const FileBody& body) {
    std::vector<char> buffer(std::min<std::uint64_t>(body.length, file_buffer));
    for (std::uint64_t sent = 0; sent < body.length;) {
        const auto wanted = std::min<std::uint64_t>(buffer.size(), body.length - sent);
        const auto count =
            ::pread(body.file.get(), buffer.data(), wanted, static_cast<off_t>(body.offset + sent));
        if (count <= 0) co_return false;
        const auto part = asio::buffer(buffer.data(), static_cast<std::size_t>(count));
        const auto [error, n] = co_await asio::async_write(socket_, part, quiet);
        if (error) co_return false;
        sent += static_cast<std::uint64_t>(count);
    }
    co_return true;
}

asio::awaitable<bool> ReplyWriter::stream(const Reply& reply, Descriptor& source) {
    const auto head = head_text(reply, http11 ? chunked : closing);
    const auto [error, n] = co_await asio::async_write(socket_, asio::buffer(head), quiet);
    if (error) co_return false;
    bool whole = co_await copy_out(source);
    if (reply.completed && !*reply.completed) whole = false;
    if (!whole || !http11) co_return false;
    static constexpr std::string_view last_chunk = "0\r\n\r\n";
    const auto [failed, m] = co_await asio::async_write(socket_, asio::buffer(last_chunk), quiet);
    co_return !failed;
}

asio::awaitable<bool> ReplyWriter::copy_out(Descriptor& source) {
    TransferBuffer buffer;
    for (;;) {
        const auto [error, count] =
            co_await source.async_read_some(asio::buffer(buffer.data(), buffer.size()), quiet);
        if (error) co_return error == asio::error::eof;
        const auto size = fmt::format("{:x}\r\n", count);
        std::vector<asio::const_buffer> parts;
        if (http11) parts.push_back(asio::buffer(size));
        parts.push_back(asio::buffer(buffer.data(), count));
        if (http11) parts.push_back(asio::buffer("\r\n", 2));
        const auto [failed, n] = co_await asio::async_write(socket_, parts, quiet);
        if (failed) co_return false;
        buffer.used(count);
    }
}

}  // namespace brig::http
