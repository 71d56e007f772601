// Replies that are written while they are made: on a thread of their own into a socket whose other
// end the server reads.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "api/http.h"
#include "base/worker_pool.h"

namespace brig::api {

/// Writes to `sink`, a descriptor it does not own; throws on failure. A failed write means that
/// the client has gone.
using Producer = std::function<void(int sink)>;

class Streams {
public:
    /// A reply of what `producer` writes. A producer that throws breaks the reply off, so that
    /// the client sees that it is incomplete.
    Reply reply(std::string content_type, Producer producer);

private:
    WorkerPool threads_{4096};
};

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
