// See tar_output.h.
#include "archive/tar_output.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <map>
#include <utility>
#include <vector>

#include "archive/nodes.h"
#include "archive/utf8_locale.h"
#include "base/error.h"
#include "os/file_flags.h"

namespace brig::archive {
namespace {

constexpr std::size_t chunk_bytes = 256 * 1024;

struct FreeEntry {
    void operator()(struct ::archive_entry* entry) const { ::archive_entry_free(entry); }
};
using EntryHandle = std::unique_ptr<struct ::archive_entry, FreeEntry>;

EntryHandle make_entry(const std::string& as, mode_t mode, timespec mtime) {
    EntryHandle entry(::archive_entry_new());
    ::archive_entry_set_pathname(entry.get(), as.c_str());
    ::archive_entry_set_mode(entry.get(), mode);
    ::archive_entry_set_mtime(entry.get(), mtime.tv_sec, mtime.tv_nsec);
    ::archive_entry_set_size(entry.get(), 0);
    return entry;
}

}  // namespace

struct TarOutput::State {
    State(Sink sink, OwnerMap map) : out(std::move(sink)), owners(std::move(map)) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() { ::archive_write_free(output); }

    static la_ssize_t write(struct ::archive* output, void* self, const void* data,
                            std::size_t size) {
        auto& state = *static_cast<State*>(self);
        if (state.failure) return -1;
        try {
            state.out({static_cast<const std::byte*>(data), size});
            return static_cast<la_ssize_t>(size);
        } catch (...) {
            state.failure = std::current_exception();  // not through C frames
            ::archive_set_error(output, EIO, "write failed");
            return -1;
        }
    }

    void check(la_ssize_t result) {
        if (failure) std::rethrow_exception(failure);
        if (result >= ARCHIVE_WARN) return;
        throw Error(ErrorKind::internal, "write tar: {}", ::archive_error_string(output));
    }

    void header(struct ::archive_entry* entry) { check(::archive_write_header(output, entry)); }
    void data(std::span<const std::byte> bytes) {
        check(::archive_write_data(output, bytes.data(), bytes.size()));
    }
    void file_data(int directory, const std::string& name, std::uint64_t size);
    void set_owner(struct ::archive_entry* entry, const struct stat& info);
    void set_xattrs(struct ::archive_entry* entry, Xattrs xattrs);

    Utf8Locale locale;
    Sink out;
    OwnerMap owners;
    struct ::archive* output = ::archive_write_new();
    std::exception_ptr failure;
    std::map<std::pair<dev_t, ino_t>, std::string> links;
};

/// A live file may shrink or grow meanwhile: exactly `size` bytes are written all the same.
void TarOutput::State::file_data(int directory, const std::string& name, std::uint64_t size) {
    const Fd file = open_at(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    struct stat info {};
    if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode))
        throw Error(ErrorKind::unavailable, "{} was replaced while it was being read", name);
    std::vector<std::byte> buffer(
        std::min<std::uint64_t>(std::max<std::uint64_t>(size, 1), chunk_bytes));
    while (size > 0) {
        const auto want = std::min<std::uint64_t>(size, buffer.size());
        std::size_t n = read_some(file.get(), std::span(buffer).first(want));
        if (n == 0) {
            n = want;
            std::ranges::fill(buffer, std::byte{0});
        }
        data(std::span(buffer).first(n));
        size -= n;
    }
}

void TarOutput::State::set_owner(struct ::archive_entry* entry, const struct stat& info) {
    try {
        ::archive_entry_set_uid(entry, owners.user(info.st_uid, To::archive));
        ::archive_entry_set_gid(entry, owners.group(info.st_gid, To::archive));
    } catch (const Error& e) {
        throw e.within(::archive_entry_pathname(entry));
    }
}

void TarOutput::State::set_xattrs(struct ::archive_entry* entry, Xattrs xattrs) {
    try {
        owners.translate(xattrs, To::archive);
    } catch (const Error& e) {
        throw e.within(::archive_entry_pathname(entry));
    }
    for (const auto& [key, value] : xattrs)
        ::archive_entry_xattr_add_entry(entry, key.c_str(), value.data(), value.size());
}

TarOutput::TarOutput(Sink out, OwnerMap owners)
    : state_(std::make_unique<State>(std::move(out), std::move(owners))) {
    ::archive_write_set_format_pax_restricted(state_->output);
    // One spelling of attributes, the one other container tools read.
    ::archive_write_set_options(state_->output, "pax:xattrheader=SCHILY");
    ::archive_write_set_bytes_per_block(state_->output, static_cast<int>(chunk_bytes));
    ::archive_write_set_bytes_in_last_block(state_->output, 1);
    state_->check(
        ::archive_write_open(state_->output, state_.get(), nullptr, &State::write, nullptr));
}

TarOutput::~TarOutput() {
    // Freeing would otherwise flush into a sink that may be gone.
    if (!state_->failure) {
        state_->failure = std::make_exception_ptr(Error(ErrorKind::cancelled, "archive abandoned"));
    }
}

void TarOutput::add_node(int directory, const std::string& name, const std::string& as) {
    const auto info = stat_at(directory, name);
    if (!info || S_ISSOCK(info->st_mode)) return;
    ++entries_;
    const std::string path = S_ISDIR(info->st_mode) && as != "/" ? as + "/" : as;
    const EntryHandle entry = make_entry(path, info->st_mode, info->st_mtim);
    state_->set_owner(entry.get(), *info);
    if (S_ISREG(info->st_mode) && info->st_nlink > 1) {
        const auto [first, is_new] = state_->links.try_emplace({info->st_dev, info->st_ino}, as);
        if (!is_new) {
            ::archive_entry_set_hardlink(entry.get(), first->second.c_str());
            return state_->header(entry.get());
        }
    }
    if (S_ISLNK(info->st_mode))
        ::archive_entry_set_symlink(entry.get(), link_text(directory, name).c_str());
    if (S_ISCHR(info->st_mode) || S_ISBLK(info->st_mode))
        ::archive_entry_set_rdev(entry.get(), info->st_rdev);
    state_->set_xattrs(entry.get(), portable_xattrs(directory, name));
    if (const auto flags = os::flags_of(*info)) ::archive_entry_set_fflags(entry.get(), flags, 0);
    const auto size = S_ISREG(info->st_mode) ? static_cast<std::uint64_t>(info->st_size) : 0;
    ::archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
    state_->header(entry.get());
    bytes_ += size;
    if (size > 0) state_->file_data(directory, name, size);
}

void TarOutput::add_bytes(const std::string& as, std::string_view bytes, mode_t mode,
                          timespec mtime) {
    const EntryHandle entry = make_entry(as, S_IFREG | mode, mtime);
    ::archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes.size()));
    state_->header(entry.get());
    if (!bytes.empty()) state_->data(std::as_bytes(std::span(bytes)));
}

void TarOutput::add_stream(const std::string& as, std::uint64_t size, Source& body) {
    const EntryHandle entry = make_entry(as, S_IFREG | 0644, {});
    ::archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
    state_->header(entry.get());
    std::uint64_t written = 0;
    for (auto chunk = body.next(); !chunk.empty(); chunk = body.next()) {
        state_->data(chunk);
        written += chunk.size();
    }
    if (written != size) {
        throw Error(ErrorKind::internal, "{} has {} bytes where {} were announced", as, written,
                    size);
    }
}

void TarOutput::add_directory(const std::string& as, mode_t mode, timespec mtime) {
    state_->header(make_entry(as + "/", S_IFDIR | mode, mtime).get());
}

void TarOutput::add_symlink(const std::string& as, const std::string& target) {
    const EntryHandle entry = make_entry(as, S_IFLNK | 0777, {});
    ::archive_entry_set_symlink(entry.get(), target.c_str());
    state_->header(entry.get());
}

void TarOutput::finish() { state_->check(::archive_write_close(state_->output)); }

}  // namespace brig::archive
