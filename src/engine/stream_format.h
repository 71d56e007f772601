// Docker's multiplexed stream: each piece of output behind eight bytes that say whose it is and how
// long.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace brig::engine {

inline constexpr std::size_t frame_header_size = 8;

/// Appends one frame to `out`.
void append_frame(std::string& out, bool err, std::string_view data);

/// Takes a stream apart again as its bytes come in.
class FrameReader {
public:
    /// Calls `use` for every piece of payload in `bytes`.
    void feed(std::string_view bytes, const std::function<void(std::string_view)>& use);

private:
    std::string header_;
    std::size_t left_ = 0;  ///< of the current frame's payload
};

}  // namespace brig::engine
