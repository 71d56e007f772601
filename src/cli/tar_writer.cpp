// See tar_writer.h.
#include "cli/tar_writer.h"

#include <archive_entry.h>

#include <array>
#include <span>

#include "base/error.h"
#include "base/fd.h"

namespace brig::cli {

TarWriter::TarWriter(const TarSink& sink) : sink_(sink), archive_(::archive_write_new()) {
    ::archive_write_set_format_pax_restricted(archive_.get());
    ::archive_write_set_bytes_per_block(archive_.get(), 256 << 10);
    ::archive_write_set_bytes_in_last_block(archive_.get(), 1);
    check(::archive_write_open(archive_.get(), this, nullptr, &TarWriter::on_write, nullptr));
}

void TarWriter::add(const std::string& name, const struct stat& status, const std::string& link,
                    bool owned) {
    const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(::archive_entry_new(),
                                                                         ::archive_entry_free);
    ::archive_entry_set_pathname_utf8(entry.get(), name.c_str());
    ::archive_entry_copy_pathname(entry.get(), name.c_str());
    ::archive_entry_set_filetype(entry.get(), status.st_mode & S_IFMT);
    ::archive_entry_set_perm(entry.get(), status.st_mode & 07777);
    ::archive_entry_set_size(entry.get(), S_ISREG(status.st_mode) ? status.st_size : 0);
    ::archive_entry_set_mtime(entry.get(), status.st_mtim.tv_sec, 0);
    if (owned) {
        ::archive_entry_set_uid(entry.get(), status.st_uid);
        ::archive_entry_set_gid(entry.get(), status.st_gid);
    }
    if (!link.empty()) ::archive_entry_copy_symlink(entry.get(), link.c_str());
    if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode))
        ::archive_entry_set_rdev(entry.get(), status.st_rdev);
    check(::archive_write_header(archive_.get(), entry.get()));
}

void TarWriter::data(std::string_view bytes) {
    if (::archive_write_data(archive_.get(), bytes.data(), bytes.size()) < 0) fail();
}

void TarWriter::copy(int file, const struct stat& status, const std::string& name) {
    std::array<char, 65536> buffer;
    // No more than the header says, should the file be growing.
    for (auto left = static_cast<std::size_t>(status.st_size); left > 0;) {
        const auto piece =
            std::as_writable_bytes(std::span(buffer)).first(std::min(left, buffer.size()));
        const std::size_t n = read_some(file, piece);
        if (n == 0) throw Error(ErrorKind::internal, "{} shrank while it was read", name);
        data({buffer.data(), n});
        left -= n;
    }
}

void TarWriter::finish() { check(::archive_write_close(archive_.get())); }

la_ssize_t TarWriter::on_write(archive* a, void* self, const void* data, std::size_t size) {
    auto& writer = *static_cast<TarWriter*>(self);
    if (writer.failure_) return -1;
    try {
        writer.sink_({static_cast<const char*>(data), size});
    } catch (...) {
        writer.failure_ = std::current_exception();
        ::archive_set_error(a, -1, "the reader failed");
        return -1;
    }
    return static_cast<la_ssize_t>(size);
}

void TarWriter::check(int result) {
    if (result < ARCHIVE_WARN) fail();
}

void TarWriter::fail() {
    if (failure_) std::rethrow_exception(failure_);
    const char* text = ::archive_error_string(archive_.get());
    throw Error(ErrorKind::internal, "write the archive: {}",
                text == nullptr ? "unknown failure" : text);
}

}  // namespace brig::cli
