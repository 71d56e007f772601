// The user's terminal: is it one, how large is it, and raw mode that is always undone.
#pragma once

#include <memory>
#include <optional>

namespace brig::os {

bool is_terminal(int fd);

struct WindowSize {
    int rows = 0;
    int columns = 0;
    bool operator==(const WindowSize&) const = default;
};
/// Nothing where `fd` is no terminal, or one that does not know its size, as serial lines.
std::optional<WindowSize> window_size(int fd);

/// Lets newlines written to `terminal` reach its master as they are. Throws SysError.
void make_newlines_plain(int terminal);

/// Puts a terminal into raw mode (every byte passes, nothing is echoed or made a signal) for as
/// long as it lives. Does not own the descriptor, which must stay open.
class RawTerminal {
public:
    /// What happens to the newlines that are written to it.
    enum class Output { raw, with_carriage_returns };
    /// Throws SysError.
    explicit RawTerminal(int fd, Output output = Output::raw);
    RawTerminal(RawTerminal&&) noexcept;
    RawTerminal& operator=(RawTerminal&&) = delete;
    ~RawTerminal();

private:
    struct Saved;
    std::unique_ptr<Saved> saved_;
};

}  // namespace brig::os
