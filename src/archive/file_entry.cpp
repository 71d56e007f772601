// See file_entry.h.
#include "archive/file_entry.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "archive/nodes.h"
#include "base/error.h"

namespace brig::archive {
namespace {

constexpr std::size_t hole_bytes = 64 * 1024;
constexpr std::size_t smallest_hole = 4096;  // where a piece of the stream ends before that

bool all_zero(std::span<const std::byte> data) {
    return data.front() == std::byte{0} &&
           std::equal(data.begin(), data.end() - 1, data.begin() + 1);
}

/// The length of the run of blocks at the front of `data` that all are, or all are not, zeros.
std::size_t run_length(std::span<const std::byte> data, bool zeros) {
    std::size_t length = 0;
    while (length < data.size()) {
        const auto block = data.subspan(length, std::min(hole_bytes, data.size() - length));
        if ((block.size() >= smallest_hole && all_zero(block)) != zeros) break;
        length += block.size();
    }
    return length;
}

}  // namespace

void write_body(int file, Source& body) {
    bool ends_in_hole = false;
    for (auto chunk = body.next(); !chunk.empty(); chunk = body.next()) {
        while (!chunk.empty()) {
            const std::size_t data = run_length(chunk, false);
            write_all(file, chunk.first(data));
            chunk = chunk.subspan(data);
            const std::size_t hole = run_length(chunk, true);
            if (hole > 0 && ::lseek(file, static_cast<off_t>(hole), SEEK_CUR) < 0)
                throw SysError("seek");
            chunk = chunk.subspan(hole);
            ends_in_hole = hole > 0;
        }
    }
    if (ends_in_hole && ::ftruncate(file, ::lseek(file, 0, SEEK_CUR)) != 0)
        throw SysError("extend");
}

/// Owner first: changing it clears setuid and security.capability. An ACL after the mode, which is
/// part of it.
bool make_file(const Place& at, const Entry& entry, Source* body) {
    constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    const Fd file(::openat(at.directory, at.name.c_str(), flags, 0600));
    if (!file && errno == EEXIST) return false;
    if (!file) throw SysError("create {}", at.path);
    if (at.inherits_acl) drop_acls(at.directory, at.name);
    if (body != nullptr) write_body(file.get(), *body);
    if (::fchown(file.get(), entry.uid, entry.gid) != 0)
        throw SysError("set the owner of {}", at.path);
    if (::fchmod(file.get(), entry.mode & 07777U) != 0)
        throw SysError("set the mode of {}", at.path);
    set_portable_xattrs(at.directory, at.name, entry.mode, entry.xattrs);
    const timespec times[2] = {entry.mtime, entry.mtime};
    if (::futimens(file.get(), times) != 0) throw SysError("set the times of {}", at.path);
    return true;
}

}  // namespace brig::archive
