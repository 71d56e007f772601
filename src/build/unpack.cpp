// Archives that come into a build: the context itself, and local archives that ADD unpacks. Any
// compression docker takes is read; the tar within by our own hardened unpacker.
#include <fcntl.h>

#include <memory>
#include <utility>
#include <vector>

#include "archive/layer.h"
#include "archive/stream.h"
#include "base/error.h"
#include "base/file.h"
#include "build/builder.h"
#include "build/copy.h"
#include "os/beneath.h"

namespace brig::build {
namespace {

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
        const auto source = archive::decompress(archive::from_fd(fd));
        std::vector<std::byte> head;
        for (auto chunk = source->next(); !chunk.empty() && head.size() < 512;
             chunk = source->next()) {
            head.insert(head.end(), chunk.begin(), chunk.end());
        }
        return is_tar_header(head);
    } catch (const Error&) {
        return false;
    }
}

void unpack(std::unique_ptr<archive::Source> stream, const archive::LayerTree& into,
            archive::Devices devices) {
    const auto tar = archive::decompress(std::move(stream));
    // `docker build -f` of a file outside the context leaves out the last padding.
    archive::apply_tar(
        *tar, into,
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
        into.owners = target.owners;
        make_target(target);
        into.root = os::open_in_root(target.root, target.path, O_RDONLY | O_DIRECTORY);
        if (!target.owner && !target.mode) {
            unpack(archive::from_fd(file.get()), into, archive::Devices::create);
            return true;
        }
        // Owners and modes of our own: by way of a directory, copied like any other.
        const TempDir staging(std::filesystem::temp_directory_path(), "brig-add");
        into.root = open_file(staging.path(), O_RDONLY | O_DIRECTORY);
        unpack(archive::from_fd(file.get()), into, archive::Devices::skip);
        const SourceTree unpacked(into.root.get(), {}, true);
        copy_source(unpacked, unpacked.find(".").front(), target);
    } catch (const Error& error) {
        throw error.within(source.path);
    }
    return true;
}

void unpack_context(std::unique_ptr<archive::Source> stream,
                    const std::filesystem::path& directory) {
    archive::LayerTree into;
    into.root = open_file(directory, O_RDONLY | O_DIRECTORY);
    try {
        unpack(std::move(stream), into, archive::Devices::skip);
    } catch (const Error& error) {
        throw error.within("build context");
    }
}

}  // namespace brig::build
