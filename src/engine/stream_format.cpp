// See stream_format.h.
#include "engine/stream_format.h"

#include <algorithm>
#include <cstdint>

namespace brig::engine {

void append_frame(std::string& out, bool err, std::string_view data) {
    const auto size = static_cast<std::uint32_t>(data.size());
    out += static_cast<char>(err ? 2 : 1);
    out.append(3, '\0');
    for (const unsigned shift : {24U, 16U, 8U, 0U})
        out += static_cast<char>((size >> shift) & 0xffU);
    out.append(data);
}

void FrameReader::feed(std::string_view bytes, const std::function<void(std::string_view)>& use) {
    while (!bytes.empty()) {
        if (left_ > 0) {
            const auto piece = bytes.substr(0, left_);
            left_ -= piece.size();
            bytes.remove_prefix(piece.size());
            use(piece);
            continue;
        }
        const auto missing = std::min(frame_header_size - header_.size(), bytes.size());
        header_.append(bytes.substr(0, missing));
        bytes.remove_prefix(missing);
        if (header_.size() < frame_header_size) return;
        for (std::size_t i = 4; i < frame_header_size; ++i)
            left_ = left_ << 8U | static_cast<unsigned char>(header_[i]);
        header_.clear();
    }
}

}  // namespace brig::engine
