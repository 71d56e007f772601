// The key sequence that leaves a container without stopping it (ctrl-p ctrl-q).
#pragma once

#include <string>
#include <string_view>

namespace brig::cli {

/// "ctrl-p,ctrl-q" → the bytes. Throws Error{invalid_argument}.
std::string parse_detach_keys(std::string_view text);
inline constexpr std::string_view default_detach_keys = "ctrl-p,ctrl-q";

/// Watches typed bytes for the sequence. A prefix of it is held back until it is decided.
class DetachWatcher {
public:
    /// An empty sequence never matches.
    explicit DetachWatcher(std::string sequence) : sequence_(std::move(sequence)) {}
    /// Appends to `out` what the container shall see; true once the sequence is complete.
    bool feed(std::string_view typed, std::string& out);

private:
    std::string sequence_;
    std::size_t matched_ = 0;
};

}  // namespace brig::cli
