// Docker's json-file format: what a container wrote, cut into lines, one JSON object per line.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"

namespace brig::shim {

/// Appends `text` as the inside of a JSON string exactly as docker does: control characters, <, >
/// and & as \u00XX, U+2028 and U+2029 escaped, bytes that are not UTF-8 as \ufffd.
void append_json_escaped(std::string& out, std::string_view text);

/// {"log":"…","stream":"stdout","time":"…"} and a line feed; `time` is RFC 3339 text.
void append_log_entry(std::string& out, std::string_view text, std::string_view stream,
                      std::string_view time);

/// One output stream cut into entries: at each line feed, which belongs to its entry, and after
/// 16 KiB without one (docker's limit, a partial line).
class LineSplitter {
public:
    static constexpr std::size_t max_partial = 16384;

    /// Calls `entry(text, time)` for each entry that `data` completes. All parts of a long line
    /// have the time of its first.
    template <typename Entry>
    void feed(std::string_view data, Instant time, const Entry& entry) {
        while (!data.empty()) {
            const std::size_t room = max_partial - pending_.size();
            const std::size_t newline = data.substr(0, room).find('\n');
            const bool complete = newline != std::string_view::npos;
            if (!complete && data.size() < room) {
                if (pending_.empty() && !within_line_) line_time_ = time;
                pending_ += data;
                return;
            }
            const std::size_t take = complete ? newline + 1 : room;
            if (pending_.empty() && !within_line_) line_time_ = time;
            emit(data.substr(0, take), entry);
            within_line_ = !complete;
            data.remove_prefix(take);
        }
    }

    /// The end of the stream: what has no line feed is an entry without one.
    template <typename Entry>
    void finish(const Entry& entry) {
        if (!pending_.empty()) emit({}, entry);
        within_line_ = false;
    }

private:
    template <typename Entry>
    void emit(std::string_view tail, const Entry& entry) {
        if (pending_.empty()) return entry(tail, line_time_);
        pending_ += tail;
        entry(std::string_view(pending_), line_time_);
        std::string().swap(pending_);
    }

    std::string pending_;
    Instant line_time_{};
    bool within_line_ = false;  ///< parts of the current line have been given out
};

}  // namespace brig::shim
