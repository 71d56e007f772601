// Moving bytes between a client's connection and a descriptor of ours, on the I/O thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <string>
#include <vector>

#include "base/fd.h"

namespace brig::http {

using Socket = boost::asio::generic::stream_protocol::socket;
using Descriptor = boost::asio::posix::stream_descriptor;

/// Starts small, because most streams are idle, and grows under load.
class TransferBuffer {
public:
    [[nodiscard]] char* data() { return bytes_.data(); }
    [[nodiscard]] std::size_t size() const { return bytes_.size(); }
    /// Tells how much of it the last transfer filled.
    void used(std::size_t count) {
        if (count == bytes_.size() && count < largest) bytes_.resize(count * 4);
    }

private:
    static constexpr std::size_t largest = 128U << 10U;
    std::vector<char> bytes_ = std::vector<char>(8U << 10U);
};

/// Makes `fd` usable by Asio: non-blocking, closed with the result. Throws SysError.
Descriptor adopt(const boost::asio::any_io_executor& executor, Fd fd);

/// Runs a hijacked connection to its end: `pending` (what the client sent with its request) and all
/// that follows goes to `stream`, and what `stream` yields to the client; see Upgrade.
boost::asio::awaitable<void> relay(Socket& client, std::string pending, Fd stream);

/// Ends a connection without losing what was sent: closing with unread input would reset it
/// (unix(7), RFC 9112 section 9.6), so the client's remaining input is read first, for a while.
boost::asio::awaitable<void> linger(Socket& client);

/// Waits until the client has gone (end of file counts) or until it sends more; true if gone.
boost::asio::awaitable<bool> wait_gone(Socket& client);

}  // namespace brig::http
