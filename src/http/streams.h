// Replies that are written while they are made: on a thread of their own into a socket whose other
// end the server reads.
#pragma once

#include <functional>
#include <string>

#include "base/worker_pool.h"
#include "http/message.h"

namespace brig::http {

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

}  // namespace brig::http
