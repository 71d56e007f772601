#include "volume/copy_up.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>
#include <utility>

#include "archive/nodes.h"
#include "base/directory.h"
#include "base/error.h"

namespace brig::volume {
namespace {

/// Each level holds two descriptors.
constexpr unsigned max_depth = 200;

using FileId = std::pair<dev_t, ino_t>;

std::array<timespec, 2> times_of(const struct stat& info) { return {info.st_atim, info.st_mtim}; }

class Copier {
public:
    explicit Copier(int destination) : root_(destination) {}

    void copy_directory(int source, int destination, const std::string& path, unsigned depth) {
        if (depth > max_depth)
            throw Error(ErrorKind::invalid_argument, "directories nested too deep in {}", path);
        for (const auto& name : names_in(source)) {
            copy_entry(source, destination, name, path.empty() ? name : path + "/" + name, depth);
        }
    }

private:
    void copy_entry(int source, int destination, const std::string& name, const std::string& path,
                    unsigned depth) {
        const auto info = archive::stat_at(source, name);
        if (!info || S_ISSOCK(info->st_mode)) return;
        if (!S_ISDIR(info->st_mode) && info->st_nlink > 1 &&
            link_known(*info, destination, name, path))
            return;
        if (S_ISDIR(info->st_mode)) {
            make_directory(source, destination, name, path, depth);
        } else if (S_ISREG(info->st_mode)) {
            copy_file(source, destination, name);
        } else if (S_ISLNK(info->st_mode)) {
            const auto text = archive::link_text(source, name);
            if (::symlinkat(text.c_str(), destination, name.c_str()) != 0)
                throw SysError("link {}", path);
        } else if (::mknodat(destination, name.c_str(), info->st_mode,
                             S_ISFIFO(info->st_mode) ? 0 : info->st_rdev) != 0) {
            // A pipe has no number, though FreeBSD's stat(2) says one, and its mknod(2) takes none.
            throw SysError("make node {}", path);
        }
        copy_attributes(source, destination, name, *info);
    }

    /// True when another name of the file was copied before; then this one is linked to it.
    bool link_known(const struct stat& info, int destination, const std::string& name,
                    const std::string& path) {
        const auto [known, is_new] = links_.try_emplace({info.st_dev, info.st_ino}, path);
        if (is_new) return false;
        // Nobody but us writes into the volume yet, and what we made of links is not followed.
        if (::linkat(root_, known->second.c_str(), destination, name.c_str(), 0) != 0)
            throw SysError("link {}", path);
        return true;
    }

    void make_directory(int source, int destination, const std::string& name,
                        const std::string& path, unsigned depth) {
        if (::mkdirat(destination, name.c_str(), 0700) != 0)
            throw SysError("make directory {}", path);
        constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
        const auto from = open_at(source, name, flags);
        const auto to = open_at(destination, name, flags);
        copy_directory(from.get(), to.get(), path, depth + 1);
    }

    static void copy_file(int source, int destination, const std::string& name) {
        const auto from = open_at(source, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
        const auto to = open_at(destination, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
        bool in_kernel = true;
        while (in_kernel) {
            const auto copied =
                ::copy_file_range(from.get(), nullptr, to.get(), nullptr, std::size_t{1} << 30U, 0);
            if (copied == 0) return;
            // Some pairs of file systems cannot; nothing has been copied then.
            in_kernel = copied > 0;
        }
        std::array<std::byte, 65536> buffer;
        while (const auto size = read_some(from.get(), buffer))
            write_all(to.get(), std::span(buffer).first(size));
    }

    static void copy_attributes(int source, int destination, const std::string& name,
                                const struct stat& info) {
        copy_owner(destination, name, info);
        archive::set_portable_xattrs(destination, name, info.st_mode,
                                     archive::portable_xattrs(source, name));
        const auto times = times_of(info);
        if (::utimensat(destination, name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0)
            throw SysError("set times of {}", name);
    }

    /// The owner before the mode, as changing it clears set-user-ID.
    static void copy_owner(int destination, const std::string& name, const struct stat& info) {
        if (::fchownat(destination, name.c_str(), info.st_uid, info.st_gid, AT_SYMLINK_NOFOLLOW) !=
            0) {
            throw SysError("change the owner of {}", name);
        }
        // We made it, and it is no link: there is nothing to follow.
        if (!S_ISLNK(info.st_mode) && ::fchmodat(destination, name.c_str(), info.st_mode & 07777U,
                                                 AT_SYMLINK_NOFOLLOW) != 0) {
            throw SysError("change the mode of {}", name);
        }
    }

    int root_;
    std::map<FileId, std::string> links_;
};

void add_sizes(int directory, std::set<FileId>& seen, std::uint64_t& total, unsigned depth) {
    for (const auto& name : names_in(directory)) {
        const auto info = archive::stat_at(directory, name);
        if (!info || (info->st_nlink > 1 && !S_ISDIR(info->st_mode) &&
                      !seen.insert({info->st_dev, info->st_ino}).second))
            continue;
        if (!S_ISDIR(info->st_mode)) {
            total += static_cast<std::uint64_t>(info->st_size);
        } else if (const auto child = archive::open_directory_at(directory, name);
                   child && depth < max_depth) {
            add_sizes(child.get(), seen, total, depth + 1);
        }
    }
}

}  // namespace

void copy_tree(int source, int destination) {
    struct stat info {};
    if (::fstat(source, &info) != 0) throw SysError("look at the directory to copy");
    Copier(destination).copy_directory(source, destination, "", 0);
    if (::fchown(destination, info.st_uid, info.st_gid) != 0)
        throw SysError("change the owner of a volume");
    if (::fchmod(destination, info.st_mode & 07777U) != 0)
        throw SysError("change the mode of a volume");
    (void)::futimens(destination, times_of(info).data());
}

std::uint64_t tree_size(Fd directory) {
    std::set<FileId> seen;
    std::uint64_t total = 0;
    add_sizes(directory.get(), seen, total, 0);
    return total;
}

}  // namespace brig::volume
