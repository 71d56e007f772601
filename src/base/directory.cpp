// See directory.h.
#include "base/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "base/fd.h"

namespace brig {
namespace {

/// Each level of a walk takes a descriptor and a piece of the stack.
constexpr unsigned max_depth = 128;

/// False when it is a directory.
bool remove_file(int directory, const std::string& name, const RefusedRemoval& refused) {
    if (::unlinkat(directory, name.c_str(), 0) == 0 || errno == ENOENT) return true;
    if (errno == EISDIR) return false;
    if (errno != EPERM) throw SysError("remove {}", name);
    // POSIX's and FreeBSD's word for a directory, and every kernel's for what is protected.
    if (refused) {
        refused(directory, name);
        if (::unlinkat(directory, name.c_str(), 0) == 0) return true;
    }
    struct stat info {};
    if (::fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
        !S_ISDIR(info.st_mode))
        throw SysError(EPERM, "remove " + name);
    return false;
}

void remove_directory(int directory, const std::string& name) {
    if (::unlinkat(directory, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
        throw SysError("remove directory {}", name);
}

/// Empty when it is gone.
Fd open_directory(int directory, const std::string& name) {
    Fd inside(::openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!inside && errno != ENOENT) throw SysError("open directory {}", name);
    return inside;
}

/// Empties one directory. What is too deep to walk to is moved up into it, and has its turn later.
class Emptying {
public:
    Emptying(int top, const RefusedRemoval& refused) : top_(top), refused_(refused) {}

    void run() {
        for (const auto& name : names_in(top_)) remove(top_, name, 1);
        while (!moved_.empty()) {
            const std::string name = std::move(moved_.back());
            moved_.pop_back();
            remove(top_, name, 1);
        }
    }

private:
    void remove(int directory, const std::string& name, unsigned depth) {
        if (remove_file(directory, name, refused_)) return;
        if (depth >= max_depth) return move_up(directory, name);
        {
            const Fd inside = open_directory(directory, name);
            if (!inside) return;
            for (const auto& child : names_in(inside.get())) remove(inside.get(), child, depth + 1);
        }
        remove_directory(directory, name);
    }

    void move_up(int directory, const std::string& name) {
        for (;;) {
            std::string as = ".deep-" + std::to_string(next_++);
            if (::renameat(directory, name.c_str(), top_, as.c_str()) == 0)
                return moved_.push_back(std::move(as));
            const bool is_taken = errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR;
            if (!is_taken) throw SysError("remove {}", name);
        }
    }

    int top_;
    const RefusedRemoval& refused_;
    unsigned next_ = 0;
    std::vector<std::string> moved_;
};

}  // namespace

std::vector<std::string> names_in(int directory) {
    struct Close {
        void operator()(DIR* dir) const { ::closedir(dir); }
    };
    Fd own(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!own && errno == ENOENT) return {};  // removed while it was open
    if (!own) throw SysError("read directory");
    const std::unique_ptr<DIR, Close> stream(::fdopendir(own.get()));
    if (!stream) throw SysError("read directory");
    (void)own.release();
    std::vector<std::string> out;
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(stream.get());
        if (entry == nullptr) {
            if (errno != 0) throw SysError("read directory");
            break;
        }
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") out.emplace_back(name);
    }
    std::ranges::sort(out);
    return out;
}

void remove_tree_at(int directory, const std::string& name, const RefusedRemoval& refused) {
    if (remove_file(directory, name, refused)) return;
    if (const Fd inside = open_directory(directory, name)) Emptying(inside.get(), refused).run();
    remove_directory(directory, name);
}

}  // namespace brig
