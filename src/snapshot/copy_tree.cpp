// See copy_tree.h.
#include "snapshot/copy_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "archive/nodes.h"
#include "archive/path_cursor.h"
#include "archive/revisit.h"
#include "base/directory.h"
#include "base/error.h"
#include "os/file_flags.h"

namespace brig::snapshot {
namespace {

struct Range {
    off_t begin;
    off_t end;
};

void copy_by_reading(int from, int to, Range range) {
    std::array<std::byte, 64 * 1024> buffer;
    if (::lseek(from, range.begin, SEEK_SET) < 0 || ::lseek(to, range.begin, SEEK_SET) < 0)
        throw SysError("seek");
    for (off_t left = range.end - range.begin; left > 0;) {
        const auto want = std::min<off_t>(left, buffer.size());
        const auto n = read_some(from, std::span(buffer).first(static_cast<std::size_t>(want)));
        if (n == 0) return;
        write_all(to, std::span(buffer).first(n));
        left -= static_cast<off_t>(n);
    }
}

/// copy_file_range shares blocks where it can (FICLONE's effect) and copies in the kernel
/// elsewhere.
void copy_range(int from, int to, Range range, const std::string& path) {
    off_t in = range.begin;
    off_t out = range.begin;
    while (in < range.end) {
        const ssize_t n =
            ::copy_file_range(from, &in, to, &out, static_cast<std::size_t>(range.end - in), 0);
        if (n == 0) return;
        if (n > 0 || errno == EINTR) continue;
        if (in == range.begin &&
            (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)) {
            return copy_by_reading(from, to, range);
        }
        throw SysError("copy {}", path);
    }
}

/// What is data from `at` on; the whole rest on a file system that does not tell holes.
std::optional<Range> next_data(int from, off_t at, off_t size) {
    const off_t begin = ::lseek(from, at, SEEK_DATA);
    if (begin < 0 && errno == ENXIO) return std::nullopt;
    if (begin < 0) return Range{at, size};
    const off_t end = ::lseek(from, begin, SEEK_HOLE);
    return Range{begin, end < 0 ? size : std::min(end, size)};
}

/// Holes stay holes: the kernel would copy them as zeros.
void copy_data(int from, int to, off_t size, const std::string& path) {
    for (off_t at = 0; at < size;) {
        const auto data = next_data(from, at, size);
        if (!data || data->begin >= data->end) break;
        copy_range(from, to, *data, path);
        at = data->end;
    }
    if (::ftruncate(to, size) != 0) throw SysError("extend {}", path);
}

class Copier {
public:
    explicit Copier(int root) : root_(root), made_(root) {}

    void directory(int from, int to, const std::string& path) {
        for (const auto& name : names_in(from)) node(from, to, name, path + "/" + name);
    }

    /// Last: nothing can be linked to a file that is schg, or put into such a directory.
    void set_flags() const {
        for (const auto& [path, flags] : flags_) os::set_file_flags(root_, path.substr(1), flags);
    }

private:
    void node(int from, int to, const std::string& name, const std::string& path) {
        const auto info = archive::stat_at(from, name);
        if (!info || S_ISSOCK(info->st_mode)) return;
        if (!S_ISDIR(info->st_mode) && info->st_nlink > 1) {
            const auto [first, is_new] = links_.try_emplace({info->st_dev, info->st_ino}, path);
            if (!is_new) return link(first->second, to, name, path);
        }
        make(from, to, name, *info, path);
        archive::copy_attributes(from, name, to, name);
        if (const auto flags = os::flags_of(*info)) flags_.emplace_back(path, flags);
    }

    void link(const std::string& first, int to, const std::string& name, const std::string& path) {
        const auto target = made_.find(first.substr(1));
        if (!target) throw Error(ErrorKind::conflict, "{} went away meanwhile", first);
        if (::linkat(target->directory, target->name.c_str(), to, name.c_str(), 0) != 0)
            throw SysError("link {}", path);
    }

    void make(int from, int to, const std::string& name, const struct stat& info,
              const std::string& path) {
        if (S_ISDIR(info.st_mode)) {
            if (::mkdirat(to, name.c_str(), 0700) != 0) throw SysError("create directory {}", path);
            const Fd inside_from = archive::enter_directory_at(from, name, path);
            if (!inside_from)
                throw Error(ErrorKind::conflict, "directory {} went away meanwhile", path);
            const Fd inside_to = open_at(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
            directory(inside_from.get(), inside_to.get(), path);
        } else if (S_ISLNK(info.st_mode)) {
            if (::symlinkat(archive::link_text(from, name).c_str(), to, name.c_str()) != 0) {
                throw SysError("create symbolic link {}", path);
            }
        } else if (S_ISREG(info.st_mode)) {
            const Fd source = open_at(from, name, O_RDONLY | O_NOFOLLOW);
            const Fd target = open_at(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
            copy_data(source.get(), target.get(), info.st_size, path);
        } else if (::mknodat(to, name.c_str(), info.st_mode & (S_IFMT | 0600U),
                             S_ISFIFO(info.st_mode) ? 0 : info.st_rdev) != 0) {
            // A pipe has no number, though FreeBSD's stat(2) says one, and its mknod(2) takes none.
            throw SysError("create special file {}", path);
        }
    }

    int root_;
    archive::Revisit made_;
    /// The first of a file's names. Paths and not directories, of which only so many can be open.
    std::map<std::pair<dev_t, ino_t>, std::string> links_;
    std::vector<std::pair<std::string, os::FileFlags>> flags_;
};

}  // namespace

void copy_tree(const Fd& from, const Fd& to) {
    // What is made in it would begin with its default ACL.
    archive::drop_acls(to.get(), ".");
    Copier copier(to.get());
    copier.directory(from.get(), to.get(), "");
    archive::copy_attributes(from.get(), ".", to.get(), ".");
    copier.set_flags();
}

}  // namespace brig::snapshot
