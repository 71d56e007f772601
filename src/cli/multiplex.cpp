// See multiplex.h.
#include "cli/multiplex.h"

#include <algorithm>

#include "base/error.h"

namespace brig::cli {
namespace {

constexpr std::size_t header_size = 8;
constexpr int stderr_stream = 2;
constexpr int error_stream = 3;  // the engine's own complaints

std::size_t frame_size(std::string_view header) {
    std::size_t size = 0;
    for (const char c : header.substr(4)) size = size << 8U | static_cast<unsigned char>(c);
    return size;
}

}  // namespace

void Demultiplexer::feed(std::string_view data, const Sink& sink) {
    while (!data.empty()) {
        if (remaining_ == 0) {
            const std::size_t n = std::min(header_size - header_.size(), data.size());
            header_ += data.substr(0, n);
            data.remove_prefix(n);
            if (header_.size() < header_size) return;
            const int stream = static_cast<unsigned char>(header_[0]);
            if (stream > error_stream) {
                throw Error(ErrorKind::internal, "the engine sent an unknown stream number: {}",
                            stream);
            }
            to_err_ = stream >= stderr_stream;
            remaining_ = frame_size(header_);
            header_.clear();
            continue;
        }
        const std::size_t n = std::min(remaining_, data.size());
        sink(to_err_, data.substr(0, n));
        data.remove_prefix(n);
        remaining_ -= n;
    }
}

}  // namespace brig::cli
