// The Engine API's framing of stdout and stderr in one stream: 8 bytes of header, then data.
#pragma once

#include <string>
#include <string_view>

namespace brig::cli {

class Demultiplexer {
public:
    /// Appends what `data` holds of each stream. Throws Error{internal} for an unknown stream.
    void feed(std::string_view data, std::string& out, std::string& err);

private:
    std::string header_;
    std::size_t remaining_ = 0;
    bool to_err_ = false;
};

}  // namespace brig::cli
