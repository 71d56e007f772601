// See log_file.h.
#include "shim/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/error.h"
#include "base/log.h"

namespace brig::shim {
namespace {

constexpr std::size_t flush_at = 256U << 10U;

Fd open_log(const std::filesystem::path& path) {
    return open_file(path.string(), O_WRONLY | O_CREAT | O_APPEND, 0640);
}

std::string numbered(const std::filesystem::path& path, int number) {
    return number == 0 ? path.string() : fmt::format("{}.{}", path.string(), number);
}

}  // namespace

LogFile::LogFile(LogOptions options)
    : options_(std::move(options)), file_(open_log(options_.path)) {
    struct stat info {};
    if (::fstat(file_.get(), &info) != 0) throw SysError("look at {}", options_.path.string());
    size_ = static_cast<std::uint64_t>(info.st_size);
}

LineSplitter& LogFile::splitter(std::string_view stream) {
    return stream == "stderr" ? stderr_ : stdout_;
}

void LogFile::write(std::string_view stream, std::string_view data, Instant time) {
    splitter(stream).feed(data, time,
                          [&](std::string_view text, Instant at) { append(text, stream, at); });
    flush();
}

void LogFile::end(std::string_view stream) {
    splitter(stream).finish([&](std::string_view text, Instant at) { append(text, stream, at); });
    flush();
}

void LogFile::append(std::string_view entry_text, std::string_view stream, Instant time) {
    // As docker: the entry that reaches the limit is still in the old file.
    if (options_.max_size > 0 && size_ >= options_.max_size) rotate();
    const std::size_t before = unwritten_.size();
    append_log_entry(unwritten_, entry_text, stream, text_of(time));
    size_ += unwritten_.size() - before;
    if (unwritten_.size() >= flush_at) flush();
}

const std::string& LogFile::text_of(Instant time) {
    if (time_text_.empty() || time != time_) {
        time_ = time;
        time_text_ = format_rfc3339(time);
    }
    return time_text_;
}

void LogFile::flush() {
    std::string_view rest = unwritten_;
    while (!rest.empty()) {
        const ssize_t n = ::write(file_.get(), rest.data(), rest.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) break;
        rest.remove_prefix(static_cast<std::size_t>(n));
    }
    if (!rest.empty()) {
        if (dropped_ == 0) {
            log::warn("{}: output is dropped from the log: {}", options_.path.string(),
                      SysError("write").message());
        }
        dropped_ += unwritten_.size();
        size_ -= unwritten_.size();
        // No half entry may stay: readers would trip over it. The container's output goes on.
        if (rest.size() < unwritten_.size() &&
            ::ftruncate(file_.get(), static_cast<off_t>(size_)) != 0) {
            log::warn("truncate {}", options_.path.string());
        }
    }
    std::string().swap(unwritten_);
}

void LogFile::rotate() {
    flush();
    if (options_.max_files > 1) {
        for (int number = options_.max_files - 1; number > 0; --number) {
            // The oldest is overwritten; ones that are not there yet are passed over.
            ::rename(numbered(options_.path, number - 1).c_str(),
                     numbered(options_.path, number).c_str());
        }
        try {
            file_ = open_log(options_.path);
        } catch (const Error& e) {
            log::warn("rotate log: {}", e.message());  // goes on in the renamed file
        }
    } else if (::ftruncate(file_.get(), 0) != 0) {
        log::warn("{}", SysError("truncate {}", options_.path.string()).message());
    }
    size_ = 0;
}

}  // namespace brig::shim
