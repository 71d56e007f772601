// See tar_input.h.
#include "archive/tar_input.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <utility>
#include <vector>

#include "archive/tar_acl.h"
#include "base/error.h"

namespace brig::archive {
namespace {

class Body : public Source {
public:
    /// `ended`: where given, the archive may end with this file's last byte, and that is noted.
    Body(struct ::archive* input, std::uint64_t size, bool* ended)
        : input_(input), size_(size), ended_(ended) {}

    std::span<const std::byte> next() override {
        if (position_ == offset_ && block_.empty() && !read_block()) return {};
        if (position_ < offset_) {
            static const std::vector<std::byte> zeros(256 * 1024);
            const auto n = std::min<std::uint64_t>(offset_ - position_, zeros.size());
            position_ += n;
            return std::span(zeros).first(n);
        }
        position_ += block_.size();
        offset_ += block_.size();
        return std::exchange(block_, {});
    }

private:
    /// False at the end of the file.
    bool read_block() {
        const void* data = nullptr;
        std::size_t size = 0;
        la_int64_t offset = 0;
        const int result = ::archive_read_data_block(input_, &data, &size, &offset);
        if (result != ARCHIVE_EOF && result < ARCHIVE_WARN) {
            if (ended_ != nullptr && offset_ == size_) {
                *ended_ = true;
                return false;
            }
            const char* text = ::archive_error_string(input_);
            throw Error(ErrorKind::invalid_argument, "{}",
                        text != nullptr ? text : "unreadable file data");
        }
        // At the end, the offset is the file's size: a hole may be last.
        if (static_cast<std::uint64_t>(offset) > offset_)
            offset_ = static_cast<std::uint64_t>(offset);
        if (result != ARCHIVE_EOF) block_ = {static_cast<const std::byte*>(data), size};
        return !block_.empty() || position_ < offset_;
    }

    struct ::archive* input_;
    std::uint64_t size_;
    bool* ended_;
    std::span<const std::byte> block_;
    std::uint64_t offset_ = 0;
    std::uint64_t position_ = 0;
};

EntryType type_of(struct ::archive_entry* entry) {
    if (::archive_entry_hardlink(entry) != nullptr) return EntryType::hardlink;
    switch (::archive_entry_filetype(entry)) {
        case AE_IFREG: return EntryType::file;
        case AE_IFDIR: return EntryType::directory;
        case AE_IFLNK: return EntryType::symlink;
        case AE_IFCHR: return EntryType::character;
        case AE_IFBLK: return EntryType::block;
        case AE_IFIFO: return EntryType::fifo;
        default: throw Error(ErrorKind::invalid_argument, "entry of an unknown type");
    }
}

std::string text_or_refuse(const char* text, std::string_view what) {
    if (text == nullptr)
        throw Error(ErrorKind::invalid_argument, "tar entry has an unreadable {}", what);
    return text;
}

/// Numbers past what the kernel has would wrap, to root among others; the last one means "nobody
/// in particular" to it.
std::uint32_t owner(la_int64_t number) {
    constexpr la_int64_t last = 0xfffffffe;
    if (number < 0 || number > last)
        throw Error(ErrorKind::invalid_argument, "owner {} is out of range", number);
    return static_cast<std::uint32_t>(number);
}

Entry convert(struct ::archive_entry* from) {
    Entry out;
    out.path = text_or_refuse(::archive_entry_pathname(from), "name");
    try {
        out.type = type_of(from);
        if (out.type == EntryType::hardlink) out.link = ::archive_entry_hardlink(from);
        if (out.type == EntryType::symlink) {
            out.link = text_or_refuse(::archive_entry_symlink(from), "link");
        }
        out.uid = owner(::archive_entry_uid(from));
        out.gid = owner(::archive_entry_gid(from));
    } catch (const Error& e) {
        throw e.within(out.path);
    }
    out.mode = ::archive_entry_perm(from);
    out.mtime = {.tv_sec = ::archive_entry_mtime(from),
                 .tv_nsec = ::archive_entry_mtime_nsec(from)};
    out.device_major = static_cast<unsigned>(::archive_entry_rdevmajor(from));
    out.device_minor = static_cast<unsigned>(::archive_entry_rdevminor(from));
    ::archive_entry_xattr_reset(from);
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    while (::archive_entry_xattr_next(from, &name, &value, &size) == ARCHIVE_OK) {
        out.xattrs.emplace_back(name, std::string(static_cast<const char*>(value), size));
    }
    add_text_acls(from, out.xattrs);
    unsigned long set = 0;
    unsigned long unset = 0;
    ::archive_entry_fflags(from, &set, &unset);
    out.flags = os::lasting_flags(set);
    return out;
}

}  // namespace

struct TarInput::State {
    State(Source& tar, Padding wanted) : source(tar), padding(wanted) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() { ::archive_read_free(input); }

    static la_ssize_t read(struct ::archive* input, void* self, const void** data) {
        auto& state = *static_cast<State*>(self);
        try {
            const auto chunk = state.source.next();
            *data = chunk.data();
            return static_cast<la_ssize_t>(chunk.size());
        } catch (...) {
            // Not through C frames: rethrown by check().
            state.failure = std::current_exception();
            ::archive_set_error(input, EIO, "read failed");
            return -1;
        }
    }

    void check(int result) {
        if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
        if (result >= ARCHIVE_WARN) return;
        const char* text = ::archive_error_string(input);
        throw Error(ErrorKind::invalid_argument, "invalid tar archive: {}",
                    text != nullptr ? text : "unknown format");
    }

    Utf8Locale locale;
    Source& source;
    struct ::archive* input = ::archive_read_new();
    std::exception_ptr failure;
    std::unique_ptr<Source> body;
    Padding padding;
    bool ended = false;
};

namespace {

/// Gives a failure of the underlying stream precedence over libarchive's report of it.
class CheckedBody : public Source {
public:
    CheckedBody(Body body, std::exception_ptr& failure)
        : body_(std::move(body)), failure_(failure) {}
    std::span<const std::byte> next() override {
        try {
            return body_.next();
        } catch (const Error&) {
            if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
            throw;
        }
    }

private:
    Body body_;
    std::exception_ptr& failure_;
};

}  // namespace

TarInput::TarInput(Source& tar, Padding padding) : state_(std::make_unique<State>(tar, padding)) {
    ::archive_read_support_format_tar(state_->input);
    // An archive of nothing, as `tar cf - -T /dev/null` of some tars writes it.
    ::archive_read_support_format_empty(state_->input);
    state_->check(::archive_read_open(state_->input, state_.get(), nullptr, &State::read, nullptr));
}

TarInput::~TarInput() = default;

bool TarInput::next() {
    state_->body.reset();
    if (state_->ended) {
        state_->check(ARCHIVE_OK);  // a stream that failed there has not ended
        return false;
    }
    struct ::archive_entry* entry = nullptr;
    const int result = ::archive_read_next_header(state_->input, &entry);
    if (result == ARCHIVE_EOF) return false;
    state_->check(result);
    entry_ = convert(entry);
    entry_.size = static_cast<std::uint64_t>(std::max<la_int64_t>(::archive_entry_size(entry), 0));
    return true;
}

Source& TarInput::body() {
    if (!state_->body) {
        bool* const ended = state_->padding == Padding::may_be_missing ? &state_->ended : nullptr;
        state_->body = std::make_unique<CheckedBody>(Body(state_->input, *entry_.size, ended),
                                                     state_->failure);
    }
    return *state_->body;
}

}  // namespace brig::archive
