// Docker's progress messages, as replies that are written while they are made.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "api/http.h"
#include "http/streams.h"

namespace brig::api {

using http::Producer;
using http::Streams;

/// Docker's progress messages: one JSON object per line.
class JsonLines {
public:
    explicit JsonLines(int sink) : sink_(sink) {}
    void write(const nlohmann::json& message);
    /// {"stream": text}
    void stream(std::string_view text);
    /// {"status": text}
    void status(std::string_view text);
    /// {"errorDetail": {"message": …}, "error": …}: how an operation fails after its reply began.
    void error(std::string_view message);
    /// Whether the client has gone.
    [[nodiscard]] bool gone() const;

private:
    int sink_;
};

/// A producer of progress messages: what `work` throws becomes the stream's last message.
Producer json_lines(std::function<void(JsonLines&)> work);

}  // namespace brig::api
