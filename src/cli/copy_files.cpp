// See copy_files.h.
#include "cli/copy_files.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/fd.h"

namespace brig::cli {
namespace {

namespace fs = std::filesystem;

void pack(TarWriter& tar, const fs::path& path, const std::string& as) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) throw SysError("lstat {}", path.string());
    if (S_ISSOCK(status.st_mode)) return;
    if (S_ISLNK(status.st_mode)) return tar.add(as, status, fs::read_symlink(path).string(), true);
    if (S_ISREG(status.st_mode)) {
        const Fd file = open_file(path.string(), O_RDONLY);
        tar.add(as, status, "", true);
        return tar.copy(file.get(), status, path.string());
    }
    tar.add(S_ISDIR(status.st_mode) ? as + "/" : as, status, "", true);
    if (!S_ISDIR(status.st_mode)) return;
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path))
        names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    for (const auto& name : names) pack(tar, path / name, as + "/" + name);
}

class TarReader {
public:
    explicit TarReader(const std::function<std::string_view()>& read)
        : read_(read), input_(::archive_read_new()), disk_(::archive_write_disk_new()) {
        ::archive_read_support_format_tar(input_.get());
        check(::archive_read_open(input_.get(), this, nullptr, &TarReader::on_read, nullptr),
              input_.get());
    }

    void run(const Unpacking& wanted) {
        int flags = ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_SECURE_SYMLINKS |
                    ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS;
        if (wanted.owners) flags |= ARCHIVE_EXTRACT_OWNER;
        ::archive_write_disk_set_options(disk_.get(), flags);
        archive_entry* entry = nullptr;
        for (;;) {
            const int result = ::archive_read_next_header(input_.get(), &entry);
            if (failure_) std::rethrow_exception(failure_);
            if (result == ARCHIVE_EOF) break;
            check(result, input_.get());
            write(entry, wanted);
        }
        check(::archive_write_close(disk_.get()), disk_.get());
    }

private:
    struct Free {
        void operator()(archive* a) const { ::archive_free(a); }
    };

    static la_ssize_t on_read(archive* a, void* self, const void** data) {
        auto& reader = *static_cast<TarReader*>(self);
        try {
            const auto piece = reader.read_();
            *data = piece.data();
            return static_cast<la_ssize_t>(piece.size());
        } catch (...) {
            reader.failure_ = std::current_exception();
            ::archive_set_error(a, -1, "read failed");
            return -1;
        }
    }

    void check(int result, archive* of) const {
        if (failure_) std::rethrow_exception(failure_);
        if (result >= ARCHIVE_WARN) return;
        const char* text = ::archive_error_string(of);
        throw Error(ErrorKind::internal, "{}", text == nullptr ? "cannot unpack" : text);
    }

    static std::string renamed(std::string name, const Unpacking& wanted) {
        while (name.starts_with('/')) name.erase(0, 1);
        if (wanted.from == wanted.to) return name.empty() ? "." : name;
        if (wanted.from.empty() || wanted.from == "/")
            return name.empty() ? wanted.to : wanted.to + "/" + name;
        if (name.starts_with(wanted.from)) name = wanted.to + name.substr(wanted.from.size());
        return name;
    }

    void write(archive_entry* entry, const Unpacking& wanted) {
        const std::string name = renamed(::archive_entry_pathname(entry), wanted);
        ::archive_entry_copy_pathname(entry, name.c_str());
        if (const char* link = ::archive_entry_hardlink(entry))
            ::archive_entry_copy_hardlink(entry, renamed(link, wanted).c_str());
        check(::archive_write_header(disk_.get(), entry), disk_.get());
        const void* data = nullptr;
        std::size_t size = 0;
        la_int64_t offset = 0;
        for (;;) {
            const int result = ::archive_read_data_block(input_.get(), &data, &size, &offset);
            if (result == ARCHIVE_EOF) break;
            check(result, input_.get());
            check(static_cast<int>(std::min<la_ssize_t>(
                      ::archive_write_data_block(disk_.get(), data, size, offset), 0)),
                  disk_.get());
        }
        check(::archive_write_finish_entry(disk_.get()), disk_.get());
    }

    const std::function<std::string_view()>& read_;
    std::exception_ptr failure_;
    std::unique_ptr<archive, Free> input_;
    std::unique_ptr<archive, Free> disk_;
};

}  // namespace

void pack_files(const fs::path& path, const std::string& as, const TarSink& sink) {
    TarWriter tar(sink);
    pack(tar, path, as);
    tar.finish();
}

void unpack_files(const Unpacking& wanted, const std::function<std::string_view()>& read) {
    // libarchive looks for links on the whole way that it is given; ours begins in the directory.
    if (::chdir(wanted.directory.c_str()) != 0)
        throw SysError("enter {}", wanted.directory.string());
    TarReader(read).run(wanted);
}

}  // namespace brig::cli
