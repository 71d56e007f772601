// See build_context.h.
#include "cli/build_context.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/random.h"
#include "oci/ignore.h"

namespace brig::cli {
namespace {

namespace fs = std::filesystem;

using Sink = std::function<void(std::string_view)>;

/// A pax archive whose pieces go to a sink. An exception of the sink passes through libarchive as
/// a failed write and is thrown again on this side.
class TarWriter {
public:
    explicit TarWriter(const Sink& sink) : sink_(sink), archive_(::archive_write_new()) {
        ::archive_write_set_format_pax_restricted(archive_.get());
        ::archive_write_set_bytes_per_block(archive_.get(), 256 << 10);
        ::archive_write_set_bytes_in_last_block(archive_.get(), 1);
        check(::archive_write_open(archive_.get(), this, nullptr, &TarWriter::on_write, nullptr));
    }

    void add(const std::string& name, const struct stat& status, const std::string& link) {
        const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(::archive_entry_new(),
                                                                             ::archive_entry_free);
        ::archive_entry_set_pathname_utf8(entry.get(), name.c_str());
        ::archive_entry_copy_pathname(entry.get(), name.c_str());
        ::archive_entry_set_filetype(entry.get(), status.st_mode & S_IFMT);
        ::archive_entry_set_perm(entry.get(), status.st_mode & 07777);
        ::archive_entry_set_size(entry.get(), S_ISREG(status.st_mode) ? status.st_size : 0);
        ::archive_entry_set_mtime(entry.get(), status.st_mtim.tv_sec, 0);
        if (!link.empty()) ::archive_entry_copy_symlink(entry.get(), link.c_str());
        if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode))
            ::archive_entry_set_rdev(entry.get(), status.st_rdev);
        check(::archive_write_header(archive_.get(), entry.get()));
    }
    void data(std::string_view bytes) {
        if (::archive_write_data(archive_.get(), bytes.data(), bytes.size()) < 0) fail();
    }
    void finish() { check(::archive_write_close(archive_.get())); }

private:
    struct Free {
        void operator()(archive* a) const { ::archive_write_free(a); }
    };

    static la_ssize_t on_write(archive* a, void* self, const void* data, std::size_t size) {
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
    void check(int result) {
        if (result < ARCHIVE_WARN) fail();
    }
    [[noreturn]] void fail() {
        if (failure_) std::rethrow_exception(failure_);
        const char* text = ::archive_error_string(archive_.get());
        throw Error(ErrorKind::internal, "write the build context: {}",
                    text == nullptr ? "unknown failure" : text);
    }

    const Sink& sink_;
    std::exception_ptr failure_;
    std::unique_ptr<archive, Free> archive_;
};

class ContextWalk {
public:
    ContextWalk(const BuildContext& context, TarWriter& tar)
        : context_(context), tar_(tar), ignore_(read_ignore(context)) {}

    void run() { walk(""); }

private:
    static oci::IgnorePatterns read_ignore(const BuildContext& context) {
        for (const std::string& name :
             {context.dockerfile + ".dockerignore", std::string(".dockerignore")}) {
            try {
                return oci::IgnorePatterns::parse(read_file(context.directory / name));
            } catch (const SysError& error) {
                if (error.kind() != ErrorKind::not_found) throw;
            }
        }
        return {};
    }

    /// The engine needs these whatever .dockerignore says; it keeps them from COPY by itself.
    [[nodiscard]] bool always_sent(const std::string& path) const {
        return path == context_.dockerfile || path == ".dockerignore" ||
               path == context_.dockerfile + ".dockerignore";
    }
    [[nodiscard]] bool leads_to_dockerfile(const std::string& directory) const {
        return context_.dockerfile.starts_with(directory + "/");
    }

    void walk(const std::string& prefix) {
        std::vector<std::string> names;
        for (const auto& entry : fs::directory_iterator(context_.directory / prefix)) {
            names.push_back(entry.path().filename().string());
        }
        std::ranges::sort(names);
        for (const auto& name : names) visit(prefix.empty() ? name : prefix + "/" + name);
    }

    void visit(const std::string& path) {
        const fs::path full = context_.directory / path;
        struct stat status {};
        if (::lstat(full.c_str(), &status) != 0) throw SysError("stat {}", full.string());
        const bool excluded = !ignore_.empty() && ignore_.excludes(path) && !always_sent(path);
        if (S_ISDIR(status.st_mode)) {
            if (!excluded) tar_.add(path + "/", status, "");
            if (!excluded || leads_to_dockerfile(path) || !ignore_.excludes_tree(path)) walk(path);
        } else if (!excluded && !S_ISSOCK(status.st_mode)) {
            add_file(path, full, status);
        }
    }

    void add_file(const std::string& path, const fs::path& full, const struct stat& status) {
        if (S_ISLNK(status.st_mode)) return tar_.add(path, status, fs::read_symlink(full).string());
        if (!S_ISREG(status.st_mode)) return tar_.add(path, status, "");
        const Fd file = open_file(full, O_RDONLY);
        tar_.add(path, status, "");
        std::array<char, 65536> buffer;
        // No more than the header says, should the file be growing.
        for (auto left = static_cast<std::size_t>(status.st_size); left > 0;) {
            const auto piece =
                std::as_writable_bytes(std::span(buffer)).first(std::min(left, buffer.size()));
            const std::size_t n = read_some(file.get(), piece);
            if (n == 0)
                throw Error(ErrorKind::internal, "{} shrank while it was read", full.string());
            tar_.data({buffer.data(), n});
            left -= n;
        }
    }

    const BuildContext& context_;
    TarWriter& tar_;
    oci::IgnorePatterns ignore_;
};

void add_extra_dockerfile(const BuildContext& context, TarWriter& tar) {
    struct stat status {};
    status.st_mode = S_IFREG | 0600;
    status.st_size = static_cast<off_t>(context.dockerfile_text.size());
    tar.add(context.dockerfile, status, "");
    tar.data(context.dockerfile_text);
}

std::string read_dockerfile(const fs::path& path) {
    try {
        return read_file(path);
    } catch (const SysError& error) {
        if (error.kind() != ErrorKind::not_found) throw;
        throw Error(ErrorKind::not_found,
                    "unable to prepare context: unable to evaluate symlinks in Dockerfile path: "
                    "lstat {}: no such "
                    "file or directory",
                    path.string());
    }
}

}  // namespace

BuildContext prepare_context(const std::string& path, const std::string& file,
                             const std::function<std::string()>& standard_input) {
    std::error_code failure;
    BuildContext context{.directory = fs::canonical(path, failure)};
    if (failure)
        throw Error(ErrorKind::not_found, "unable to prepare context: path \"{}\" not found", path);
    if (!fs::is_directory(context.directory)) {
        throw Error(ErrorKind::invalid_argument,
                    "unable to prepare context: context must be a directory: {}", path);
    }
    if (file == "-") {
        context.dockerfile_text = standard_input();
        context.adds_dockerfile = true;
    } else {
        const fs::path given = file.empty() ? context.directory / "Dockerfile" : fs::absolute(file);
        const std::string text = read_dockerfile(given);
        const fs::path inside = fs::weakly_canonical(given).lexically_relative(context.directory);
        context.adds_dockerfile = inside.empty() || inside.begin()->string() == "..";
        if (context.adds_dockerfile)
            context.dockerfile_text = text;
        else
            context.dockerfile = inside.string();
    }
    if (context.adds_dockerfile) context.dockerfile = ".dockerfile." + random_hex(10);
    return context;
}

void write_context(const BuildContext& context, const Sink& sink) {
    TarWriter tar(sink);
    if (!context.directory.empty()) ContextWalk(context, tar).run();
    if (context.adds_dockerfile) add_extra_dockerfile(context, tar);
    tar.finish();
}

bool looks_like_archive(std::string_view start) {
    constexpr std::size_t magic_offset = 257;
    if (start.size() >= magic_offset + 5 && start.substr(magic_offset, 5) == "ustar") return true;
    for (const std::string_view magic : {std::string_view("\x1f\x8b"), std::string_view("BZh"),
                                         std::string_view("\xfd"
                                                          "7zXZ"),
                                         std::string_view("\x28\xb5\x2f\xfd")}) {
        if (start.starts_with(magic)) return true;
    }
    return false;
}

}  // namespace brig::cli
