// See frame.h.
#include "shim/frame.h"

#include <utility>

#include "base/error.h"

namespace brig::shim {
namespace {

void put_u32(std::string& out, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

std::uint32_t get_u32(std::string_view bytes) {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value = value << 8U | static_cast<unsigned char>(bytes[i]);
    return value;
}

}  // namespace

std::string encode(const Frame& frame) {
    if (frame.data.size() > max_frame_data) {
        throw Error(ErrorKind::invalid_argument,
                    "message of {} bytes is more than the {} that ttrpc allows", frame.data.size(),
                    max_frame_data);
    }
    std::string out;
    out.reserve(frame_header_size + frame.data.size());
    put_u32(out, static_cast<std::uint32_t>(frame.data.size()));
    put_u32(out, frame.stream);
    out += static_cast<char>(frame.type);
    out += static_cast<char>(frame.flags);
    return out += frame.data;
}

void FrameReader::feed(std::string_view bytes) {
    if (begin_ > 0) buffer_.erase(0, std::exchange(begin_, 0));
    buffer_ += bytes;
}

std::size_t FrameReader::missing() const {
    const std::size_t have = buffer_.size() - begin_;
    if (have < frame_header_size) return frame_header_size - have;
    const std::size_t whole = frame_header_size + get_u32(std::string_view(buffer_).substr(begin_));
    return whole > have ? whole - have : 0;
}

std::optional<Frame> FrameReader::next() {
    const std::string_view bytes = std::string_view(buffer_).substr(begin_);
    if (bytes.size() < frame_header_size) return std::nullopt;
    const std::size_t size = get_u32(bytes);
    if (size > max_frame_data) {
        throw Error(ErrorKind::invalid_argument,
                    "frame of {} bytes is more than the {} that ttrpc allows", size,
                    max_frame_data);
    }
    const auto type = static_cast<std::uint8_t>(bytes[8]);
    if (type < 1 || type > 3)
        throw Error(ErrorKind::invalid_argument, "frame of unknown type {}", type);
    if (bytes.size() < frame_header_size + size) return std::nullopt;
    Frame frame{get_u32(bytes.substr(4)), static_cast<FrameType>(type),
                static_cast<std::uint8_t>(bytes[9]),
                std::string(bytes.substr(frame_header_size, size))};
    begin_ += frame_header_size + size;
    // An idle connection shall cost next to nothing.
    if (begin_ == buffer_.size()) std::string().swap(buffer_), begin_ = 0;
    return frame;
}

std::string FrameReader::take_rest() {
    std::string rest = buffer_.substr(begin_);
    std::string().swap(buffer_);
    begin_ = 0;
    return rest;
}

}  // namespace brig::shim
