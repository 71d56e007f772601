// Resolution of untrusted paths component by component. No component is ever opened through a
// link: a link is read and its text is put in front of what is left of the path.
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "base/error.h"
#include "os/beneath.h"

namespace brig::os {
namespace {

constexpr int max_links = 40;

class Walker {
public:
    Walker(int root, const std::string& path) : root_(root), path_(path) { push(path); }

    /// Walks all but the last component (which it returns, "." when there is none), following
    /// links in between; with `follow_last` also links at the end.
    std::string walk(bool follow_last) {
        while (!pending_.empty()) {
            const std::string name = std::move(pending_.back());
            pending_.pop_back();
            if (name == "..") {
                if (!directories_.empty()) directories_.pop_back();
                continue;
            }
            const bool last = pending_.empty();
            if (last && !follow_last) return name;
            if (follow_link(name)) continue;
            if (last) return name;
            enter(name);
        }
        return ".";
    }

    /// As walk(true), making missing directories on the way.
    Fd make(mode_t mode) {
        mode_ = mode;
        const std::string name = walk(true);
        if (name != ".") enter(name);
        return open_at(top(), ".", O_RDONLY | O_DIRECTORY);
    }

    [[nodiscard]] int top() const {
        return directories_.empty() ? root_ : directories_.back().get();
    }
    [[nodiscard]] Fd take_top() {
        if (directories_.empty()) return open_at(root_, ".", O_PATH | O_DIRECTORY);
        return std::move(directories_.back());
    }

private:
    void push(const std::string& text) {
        std::size_t end = text.size();
        while (end > 0) {
            const std::size_t slash = text.rfind('/', end - 1);
            const std::size_t begin = slash == std::string::npos ? 0 : slash + 1;
            std::string part = text.substr(begin, end - begin);
            if (!part.empty() && part != ".") pending_.push_back(std::move(part));
            if (slash == std::string::npos) break;
            end = slash;
        }
    }

    bool follow_link(const std::string& name) {
        std::array<char, PATH_MAX> target;
        const ssize_t n = ::readlinkat(top(), name.c_str(), target.data(), target.size());
        if (n < 0) return false;
        if (++links_ > max_links) throw SysError(ELOOP, "open " + path_);
        const std::string text(target.data(), static_cast<std::size_t>(n));
        if (text.starts_with('/')) directories_.clear();
        push(text);
        return true;
    }

    void enter(const std::string& name) {
        constexpr int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        Fd next(::openat(top(), name.c_str(), flags));
        if (!next && errno == ENOENT && mode_ != 0) {
            if (::mkdirat(top(), name.c_str(), mode_) != 0 && errno != EEXIST) {
                throw SysError("create directory {} for {}", name, path_);
            }
            next = Fd(::openat(top(), name.c_str(), flags));
        }
        if (!next) throw SysError("open {}", path_);
        directories_.push_back(std::move(next));
    }

    int root_;
    const std::string& path_;
    std::vector<std::string> pending_;  // reversed
    std::vector<Fd> directories_;
    int links_ = 0;
    mode_t mode_ = 0;
};

}  // namespace

Fd walk_in_root(int root, const std::string& path, int flags, mode_t mode) {
    Walker walker(root, path);
    const bool follow = (flags & O_NOFOLLOW) == 0 || path.ends_with('/');
    const std::string name = walker.walk(follow);
    if (path.ends_with('/')) flags |= O_DIRECTORY;
    Fd fd(::openat(walker.top(), name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, mode));
    // FreeBSD's word for a link that O_NOFOLLOW has met is EMLINK.
    if (!fd) throw SysError(errno == EMLINK ? ELOOP : errno, "open " + path);
    return fd;
}

std::pair<Fd, std::string> open_parent_in_root(int root, const std::string& path) {
    Walker walker(root, path);
    std::string name = walker.walk(false);
    return {walker.take_top(), std::move(name)};
}

Fd make_directories_in_root(int root, const std::string& path, mode_t mode) {
    return Walker(root, path).make(mode);
}

}  // namespace brig::os
