// The calling half of ttrpc: one connection, one request at a time, blocking. Concurrency is
// several connections: a unix socket costs little, and no thread stands between caller and answer.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "shim/frame.h"

namespace brig::shim {

class Channel {
public:
    explicit Channel(Fd socket) : socket_(std::move(socket)) {}

    /// False when the other side was gone before the request could reach it: nothing has happened
    /// and the request may be made elsewhere. `stream`: the answer is any number of messages.
    bool send(std::string_view service, std::string_view method, std::string payload,
              bool stream = false);
    /// The payload of the answer, or of the next message of a stream. Reads not a byte past it
    /// when `exact`. Throws the callee's Error, or unavailable when the connection ends.
    std::string receive(bool exact = false);

    [[nodiscard]] const Fd& socket() const { return socket_; }
    Fd release() { return std::move(socket_); }

private:
    Fd socket_;
    FrameReader reader_;
    std::uint32_t stream_ = static_cast<std::uint32_t>(-1);  ///< of the last request; odd
};

}  // namespace brig::shim
