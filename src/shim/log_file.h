// A container's json-file log on disk: appended to by the supervisor's loop, rotated by size. The
// log must never hurt the container: where it cannot be written, entries are dropped and counted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "shim/log_format.h"
#include "shim/types.h"

namespace brig::shim {

class LogFile {
public:
    /// Creates or continues the file. Throws SysError.
    explicit LogFile(LogOptions options);

    /// Takes output as it was read; `time` is now. Never throws.
    void write(std::string_view stream, std::string_view data, Instant time);
    /// The end of a stream: its last line needs no line feed.
    void end(std::string_view stream);

    [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

private:
    LineSplitter& splitter(std::string_view stream);
    void append(std::string_view entry_text, std::string_view stream, Instant time);
    /// RFC 3339; kept, since all lines of one read have the same.
    const std::string& text_of(Instant time);
    void flush();
    void rotate();

    LogOptions options_;
    Fd file_;
    std::uint64_t size_ = 0;  ///< of the file, unwritten_ included
    std::string unwritten_;
    LineSplitter stdout_, stderr_;
    Instant time_{};
    std::string time_text_;
    std::uint64_t dropped_ = 0;  ///< bytes of the file's format
};

}  // namespace brig::shim
