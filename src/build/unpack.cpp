// Archives that come into a build: the context itself, and local archives that ADD unpacks. Any
// compression docker takes is read by libarchive's filters; the tar within by our own hardened
// unpacker.
#include <archive.h>
#include <fcntl.h>

#include <array>
#include <cstring>
#include <memory>
#include <utility>

#include "archive/layer.h"
#include "base/error.h"
#include "base/file.h"
#include "build/builder.h"
#include "build/copy.h"
#include "os/beneath.h"

namespace brig::build {
namespace {

/// The bytes of a descriptor, decompressed whatever the format.
class FilteredSource : public archive::Source {
public:
    explicit FilteredSource(int fd)
        : archive_(::archive_read_new(), &::archive_read_free), buffer_(256U << 10U) {
        auto* archive = archive_.get();
        if (archive == nullptr) throw std::bad_alloc();
        ::archive_read_support_filter_gzip(archive);
        ::archive_read_support_filter_bzip2(archive);
        ::archive_read_support_filter_xz(archive);
        ::archive_read_support_filter_zstd(archive);
        ::archive_read_support_format_raw(archive);
        ::archive_read_support_format_empty(archive);
        ::archive_entry* header = nullptr;
        if (::archive_read_open_fd(archive, fd, buffer_.size()) != ARCHIVE_OK) fail();
        const int status = ::archive_read_next_header(archive, &header);
        if (status == ARCHIVE_EOF) ended_ = true;
        if (status < ARCHIVE_WARN) fail();
    }

    std::span<const std::byte> next() override {
        if (ended_) return {};
        const auto size = ::archive_read_data(archive_.get(), buffer_.data(), buffer_.size());
        if (size < 0) fail();
        ended_ = size == 0;
        return std::span(buffer_).first(static_cast<std::size_t>(size));
    }

private:
    [[noreturn]] void fail() {
        const char* text = ::archive_error_string(archive_.get());
        throw Error(ErrorKind::invalid_argument, "damaged archive: {}",
                    text == nullptr ? "truncated" : text);
    }

    std::unique_ptr<::archive, int (*)(::archive*)> archive_;
    std::vector<std::byte> buffer_;
    bool ended_ = false;
};

/// Whether a block is a tar header: its checksum, counted with the checksum's field as spaces.
bool is_tar_header(std::span<const std::byte> block) {
    constexpr std::size_t field = 148;
    if (block.size() < 512) return false;
    unsigned sum = 0;
    for (std::size_t at = 0; at < 512; ++at) {
        sum += at >= field && at < field + 8 ? ' ' : std::to_integer<unsigned>(block[at]);
    }
    unsigned written = 0;
    bool digits = false;
    for (std::size_t at = field; at < field + 8; ++at) {
        const auto c = std::to_integer<unsigned char>(block[at]);
        if (c >= '0' && c <= '7') {
            written = written * 8 + (c - '0');
            digits = true;
        } else if (digits) {
            break;
        }
    }
    return digits && written == sum;
}

bool is_archive(int fd) {
    try {
        FilteredSource source(fd);
        std::vector<std::byte> head;
        for (auto chunk = source.next(); !chunk.empty() && head.size() < 512;
             chunk = source.next()) {
            head.insert(head.end(), chunk.begin(), chunk.end());
        }
        return is_tar_header(head);
    } catch (const Error&) {
        return false;
    }
}

void unpack(int fd, const archive::LayerTree& into, archive::Devices devices) {
    FilteredSource tar(fd);
    // `docker build -f` of a file outside the context leaves out the last padding.
    archive::apply_tar(
        tar, into,
        {.whiteouts = false, .devices = devices, .padding = archive::Padding::may_be_missing});
}

}  // namespace

bool unpack_source(const SourceTree& tree, const Source& source, const CopyTarget& target) {
    if (source.directory || !S_ISREG(source.items.front().info.st_mode)) return false;
    const Fd file = tree.open(source.items.front());
    if (!is_archive(file.get())) return false;
    if (::lseek(file.get(), 0, SEEK_SET) != 0) throw SysError("rewind {}", source.path);
    try {
        // The archive's names and links are resolved beneath the target, not the image's root: no
        // entry can leave the directory the author named.
        archive::LayerTree into;
        into.root = os::make_directories_in_root(target.root, target.path, 0755);
        if (!target.owner && !target.mode) {
            unpack(file.get(), into, archive::Devices::create);
            return true;
        }
        // Owners and modes of our own: by way of a directory, copied like any other.
        const TempDir staging(std::filesystem::temp_directory_path(), "brig-add");
        into.root = open_file(staging.path(), O_RDONLY | O_DIRECTORY);
        unpack(file.get(), into, archive::Devices::skip);
        const SourceTree unpacked(into.root.get(), {}, true);
        copy_source(unpacked, unpacked.find(".").front(), target);
    } catch (const Error& error) {
        throw error.within(source.path);
    }
    return true;
}

void unpack_context(int stream, const std::filesystem::path& directory) {
    archive::LayerTree into;
    into.root = open_file(directory, O_RDONLY | O_DIRECTORY);
    try {
        unpack(stream, into, archive::Devices::skip);
    } catch (const Error& error) {
        throw error.within("build context");
    }
}

}  // namespace brig::build
