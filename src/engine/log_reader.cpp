// Reads forward in large blocks; finds the tail backwards; follows by looking again, often while
// there is traffic and seldom while there is none.
#include "engine/log_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/log.h"
#include "engine/stream_format.h"

namespace brig::engine {
namespace {

constexpr std::size_t block_size = 64U << 10U;
constexpr std::size_t line_limit = 4U << 20U;  ///< a longer "line" is damage
constexpr int quickest_look = 5;               ///< ms
constexpr int slowest_look = 100;

/// RFC 3339 with all nine digits, so that columns line up, as docker prints them.
std::string pad_time(std::string time) {
    if (!time.ends_with('Z')) return time;
    time.pop_back();
    const auto dot = time.find('.');
    std::size_t digits = dot == std::string::npos ? 0 : time.size() - dot - 1;
    if (dot == std::string::npos) time += '.';
    for (; digits < 9; ++digits) time += '0';
    return time + 'Z';
}

/// Where the last `lines` lines of the file begin, and how many were found.
std::pair<off_t, std::int64_t> find_tail(int file, std::int64_t lines) {
    struct stat info {};
    if (::fstat(file, &info) != 0) throw SysError("stat a log file");
    std::string block(block_size, '\0');
    off_t end = info.st_size;
    std::int64_t found = 0;
    bool last_byte = true;
    while (end > 0) {
        const auto size =
            static_cast<std::size_t>(std::min<off_t>(end, static_cast<off_t>(block_size)));
        const off_t begin = end - static_cast<off_t>(size);
        const ssize_t got = ::pread(file, block.data(), size, begin);
        if (got != static_cast<ssize_t>(size)) throw SysError("read a log file");
        for (std::size_t i = size; i-- > 0;) {
            // The newline at the very end closes the last line and opens none.
            if (block[i] == '\n' && !last_byte && ++found == lines) {
                return {begin + static_cast<off_t>(i) + 1, lines};
            }
            last_byte = false;
        }
        end = begin;
    }
    return {0, info.st_size > 0 ? found + 1 : 0};
}

/// Waits; false when nobody reads `sink` any more.
bool reader_stays(int sink, int milliseconds) {
    pollfd waiting{sink, 0, 0};
    return ::poll(&waiting, 1, milliseconds) <= 0 || (waiting.revents & (POLLERR | POLLHUP)) == 0;
}

}  // namespace

std::optional<LogEntry> parse_log_line(std::string_view line) {
    const auto value = nlohmann::json::parse(line, nullptr, false);
    if (!value.is_object()) return std::nullopt;
    LogEntry entry;
    const auto text = [&](const char* key, std::string& out) {
        const auto found = value.find(key);
        if (found != value.end() && found->is_string()) out = found->get<std::string>();
    };
    std::string stream;
    text("log", entry.log);
    text("stream", stream);
    text("time", entry.time);
    entry.err = stream == "stderr";
    return entry;
}

LogReader::LogReader(std::filesystem::path path, LogQuery query, bool tty,
                     std::function<bool()> live)
    : path_(std::move(path)), query_(query), tty_(tty), live_(std::move(live)) {}

void LogReader::open_files() {
    for (int i = 0;; ++i) {
        const auto name = i == 0 ? path_.string() : path_.string() + "." + std::to_string(i);
        Fd file(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
        if (!file) break;
        files_.insert(files_.begin(), std::move(file));
    }
}

void LogReader::seek_to_tail() {
    std::int64_t wanted = query_.tail;
    for (std::size_t i = files_.size(); i-- > 0;) {
        const auto [offset, found] =
            wanted > 0 ? find_tail(files_[i].get(), wanted)
                       : std::pair{::lseek(files_[i].get(), 0, SEEK_END), std::int64_t{0}};
        wanted -= found;
        if (::lseek(files_[i].get(), offset, SEEK_SET) < 0)
            throw SysError("seek in {}", path_.string());
        if (wanted > 0) continue;
        current_ = i;
        return;
    }
}

LogReader::Outcome LogReader::emit(std::string_view line, int sink) {
    const auto entry = parse_log_line(line);
    if (!entry) return Outcome::more;
    if (query_.since || query_.until) {
        const auto at = parse_rfc3339(entry->time);
        if (at && query_.until && *at > *query_.until) return Outcome::past_until;
        if (at && query_.since && *at < *query_.since) return Outcome::more;
    }
    if (!tty_ && !(entry->err ? query_.err : query_.out)) return Outcome::more;
    std::string text = query_.timestamps ? pad_time(entry->time) + " " + entry->log : entry->log;
    if (tty_) {
        out_ += text;
    } else {
        append_frame(out_, entry->err, text);
    }
    if (out_.size() >= block_size) {
        write_all(sink, out_);
        out_.clear();
    }
    return Outcome::more;
}

LogReader::Outcome LogReader::drain(int sink) {
    std::string block(block_size, '\0');
    while (current_ < files_.size()) {
        const auto got =
            read_some(files_[current_].get(), std::as_writable_bytes(std::span(block)));
        if (got == 0) {
            if (current_ + 1 == files_.size()) break;
            ++current_;
            pending_.clear();
            continue;
        }
        pending_.append(block, 0, got);
        std::size_t begin = 0;
        for (auto end = pending_.find('\n'); end != std::string::npos;
             end = pending_.find('\n', begin)) {
            if (emit(std::string_view(pending_).substr(begin, end - begin), sink) ==
                Outcome::past_until) {
                return Outcome::past_until;
            }
            begin = end + 1;
        }
        pending_.erase(0, begin);
        if (pending_.size() > line_limit) pending_.clear();
    }
    if (!out_.empty()) {
        write_all(sink, out_);
        out_.clear();
    }
    return Outcome::more;
}

/// Whether there is another live file: after a rotation, or a first one at all. A file truncated in
/// place (max-file 1) is read again from its beginning.
bool LogReader::reopen_if_rotated() {
    struct stat named {};
    if (::stat(path_.c_str(), &named) != 0) return false;
    struct stat open {};
    if (!files_.empty()) {
        const int file = files_.back().get();
        if (::fstat(file, &open) != 0) throw SysError("stat {}", path_.string());
        if (open.st_ino == named.st_ino && open.st_dev == named.st_dev) {
            if (::lseek(file, 0, SEEK_CUR) > open.st_size) {
                ::lseek(file, 0, SEEK_SET);
                pending_.clear();
                return true;
            }
            return false;
        }
    }
    Fd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return false;
    if (!files_.empty()) files_.erase(files_.begin(), files_.end() - 1);
    files_.push_back(std::move(file));
    current_ = 0;
    return true;
}

void LogReader::follow(int sink) {
    int patience = quickest_look;
    for (;;) {
        if (query_.until && now() > *query_.until) return;
        // Asked before the look, so that nothing written before the end is missed.
        const bool more_may_come = live_();
        const auto before = files_.empty() ? 0 : ::lseek(files_[current_].get(), 0, SEEK_CUR);
        if (drain(sink) == Outcome::past_until) return;
        while (reopen_if_rotated()) {
            if (drain(sink) == Outcome::past_until) return;
        }
        if (!more_may_come) return;
        const auto after = files_.empty() ? 0 : ::lseek(files_[current_].get(), 0, SEEK_CUR);
        patience = before != after ? quickest_look : std::min(patience * 2, slowest_look);
        if (!reader_stays(sink, patience)) return;
    }
}

void LogReader::run(int sink) {
    try {
        open_files();
        if (query_.tail >= 0) seek_to_tail();
        if (drain(sink) == Outcome::more && query_.follow) {
            follow(sink);
        } else if (!out_.empty()) {
            write_all(sink, out_);
        }
    } catch (const SysError& e) {
        if (e.error_number() != EPIPE && e.error_number() != ECONNRESET) {
            log::warn("logs of {}: {}", path_.string(), e.message());
        }
    }
}

}  // namespace brig::engine
