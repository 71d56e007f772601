// `docker logs`: the json-file log that brig-shim writes, its rotated files included, filtered and
// in docker's stream format.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "engine/engine.h"

namespace brig::engine {

struct LogEntry {
    std::string log;
    bool err = false;  ///< stderr
    std::string time;  ///< as written
};

/// Nothing for a line that is not a log entry (a torn write of a killed shim).
std::optional<LogEntry> parse_log_line(std::string_view line);

/// Streams one log to one reader. `live` says whether more may come: once it has returned false,
/// what is in the file then is all.
class LogReader {
public:
    LogReader(std::filesystem::path path, LogQuery query, bool tty, std::function<bool()> live);

    /// Returns at the end, or when the reader of `sink` has gone.
    void run(int sink);

private:
    enum class Outcome { more, past_until };

    /// Offset in the chain of files, oldest first, where the last `tail` lines begin.
    void open_files();
    void seek_to_tail();
    Outcome drain(int sink);
    Outcome emit(std::string_view line, int sink);
    void follow(int sink);
    bool reopen_if_rotated();

    std::filesystem::path path_;
    LogQuery query_;
    bool tty_;
    std::function<bool()> live_;
    std::vector<Fd> files_;    ///< oldest first; the last one is live
    std::size_t current_ = 0;  ///< in files_
    std::string pending_;      ///< a line that is not complete yet
    std::string out_;          ///< frames not written yet
};

}  // namespace brig::engine
