// The Engine API's framing of stdout and stderr in one stream: 8 bytes of header, then data.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace brig::cli {

class Demultiplexer {
public:
    using Sink = std::function<void(bool to_err, std::string_view)>;

    /// Hands on what `data` holds of the streams, in its order. Throws Error{internal} for an
    /// unknown stream.
    void feed(std::string_view data, const Sink& sink);

private:
    std::string header_;
    std::size_t remaining_ = 0;
    bool to_err_ = false;
};

}  // namespace brig::cli
