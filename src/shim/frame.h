// ttrpc's frames: a header of 10 bytes (length and stream identifier in big-endian order, type,
// flags) and the data. Specified in containerd/ttrpc PROTOCOL.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace brig::shim {

enum class FrameType : std::uint8_t { request = 1, response = 2, data = 3 };

inline constexpr std::uint8_t remote_closed = 1;  ///< flag: the sender sends no more on the stream
inline constexpr std::size_t frame_header_size = 10;
inline constexpr std::size_t max_frame_data = 4U << 20U;

struct Frame {
    std::uint32_t stream = 0;
    FrameType type = FrameType::request;
    std::uint8_t flags = 0;
    std::string data;
};

/// Throws Error{invalid_argument} when there is more data than a frame may have.
std::string encode(const Frame& frame);

/// Cuts a stream of bytes into frames.
class FrameReader {
public:
    void feed(std::string_view bytes);
    /// The next complete frame. Throws Error{invalid_argument} for a frame that is too large or of
    /// no known type; there is no way on after that.
    std::optional<Frame> next();
    /// How many more bytes complete the header or the frame that has begun.
    [[nodiscard]] std::size_t missing() const;
    /// What was fed and not consumed.
    std::string take_rest();

private:
    std::string buffer_;
    std::size_t begin_ = 0;
};

}  // namespace brig::shim
