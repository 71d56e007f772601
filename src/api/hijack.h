// Replies that hand the connection to a process's input and output.
#pragma once

#include <functional>
#include <string_view>

#include "api/http.h"

namespace brig::api {

/// The content type of a process's output: raw for a terminal, else multiplexed, which clients
/// before API 1.42 know as raw too.
std::string_view stream_type(const Request& request, bool tty);
Reply hijacked(const Request& request, Fd stream, bool tty);
/// The same for a stream that `open` begins, after the client has been told; failures of `open`
/// are reported on the stream.
Reply hijacked_later(const Request& request, std::function<Fd()> open, bool tty);
/// A stream that says `message` on the process's stderr, and ends.
Fd message_stream(std::string_view message, bool tty);

}  // namespace brig::api
