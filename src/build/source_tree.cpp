#include "build/source_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "base/error.h"
#include "base/strings.h"
#include "oci/glob.h"
#include "os/beneath.h"

namespace brig::build {
namespace {

std::string below(const std::string& directory, const std::string& name) {
    return directory.empty() || directory == "." ? name : directory + "/" + name;
}

std::string read_link(int directory, const std::string& name) {
    std::array<char, 4096> buffer{};
    const auto size = ::readlinkat(directory, name.c_str(), buffer.data(), buffer.size());
    if (size < 0) throw SysError("readlink {}", name);
    return {buffer.data(), static_cast<std::size_t>(size)};
}

struct stat stat_in(int directory, const std::string& name) {
    struct stat info {};
    if (::fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
        throw SysError("stat {}", name);
    return info;
}

Error no_such_file(const std::string& path) {
    return {ErrorKind::not_found,
            "file not found in build context or excluded by .dockerignore: stat {}: file does not "
            "exist",
            path};
}

}  // namespace

std::vector<std::string> directory_names(int fd) {
    // A second open file: reading moves the offset of the first.
    Fd copy = open_at(fd, ".", O_RDONLY | O_DIRECTORY);
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(copy.get()), &::closedir);
    if (!directory) throw SysError("open a directory of the build");
    (void)copy.release();
    std::vector<std::string> names;
    errno = 0;
    while (const auto* entry = ::readdir(directory.get())) {
        const std::string name = entry->d_name;
        if (name != "." && name != "..") names.push_back(name);
    }
    if (errno != 0) throw SysError("read a directory of the build");
    std::sort(names.begin(), names.end());
    return names;
}

std::vector<Source> SourceTree::find(const std::string& pattern) const {
    auto clean = oci::clean_path(pattern);
    if (clean == ".." || clean.starts_with("../")) {
        throw Error(ErrorKind::invalid_argument, "forbidden path outside the build context: {} ()",
                    pattern);
    }
    if (clean.starts_with('/')) clean.erase(0, 1);
    if (clean.empty()) clean = ".";
    if (!oci::has_glob(clean)) return {collect(clean)};
    std::vector<Source> sources;
    for (const auto& path : match(clean)) {
        if (!ignore_.excludes(path)) sources.push_back(collect(path));
    }
    if (sources.empty())
        throw Error(ErrorKind::not_found, "no source files were specified: nothing matches {}",
                    pattern);
    return sources;
}

std::vector<std::string> SourceTree::match(const std::string& pattern) const {
    std::vector<std::string> found{"."};
    for (const auto& part : split(pattern, '/')) {
        std::vector<std::string> next;
        for (const auto& directory : found) {
            Fd fd;
            try {
                fd = os::open_in_root(root_, directory, O_RDONLY | O_DIRECTORY);
            } catch (const SysError&) {
                continue;  // matched so far, but is no directory
            }
            for (const auto& name : directory_names(fd.get())) {
                if (oci::glob_match(part, name)) next.push_back(below(directory, name));
            }
        }
        found = std::move(next);
    }
    return found;
}

Source SourceTree::collect(const std::string& path) const {
    Source source{path, false, {}};
    SourceItem top{path, "", {}, ""};
    Fd fd;
    try {
        fd = os::open_in_root(root_, path, O_PATH);
    } catch (const SysError& error) {
        if (error.error_number() == ENOENT || error.error_number() == ENOTDIR)
            throw no_such_file(path);
        throw;
    }
    if (::fstat(fd.get(), &top.info) != 0) throw SysError("stat {}", path);
    source.directory = S_ISDIR(top.info.st_mode);
    if (path != "." && (source.directory ? ignore_.excludes_tree(path) : ignore_.excludes(path)))
        throw no_such_file(path);
    source.items.push_back(top);
    if (source.directory) walk(fd.get(), path, "", source);
    return source;
}

void SourceTree::walk(int parent, const std::string& path, const std::string& relative,
                      Source& into) const {
    // Every level holds a descriptor and a stack frame.
    if (std::count(path.begin(), path.end(), '/') > 250) {
        throw Error(ErrorKind::invalid_argument, "{}: directories are nested too deeply",
                    path.substr(0, 200));
    }
    for (const auto& name : directory_names(parent)) {
        SourceItem item{below(path, name), below(relative, name), stat_in(parent, name), ""};
        const bool excluded = ignore_.excludes(item.path);
        if (!S_ISDIR(item.info.st_mode)) {
            if (excluded || S_ISSOCK(item.info.st_mode)) continue;
            if (S_ISLNK(item.info.st_mode)) item.link = read_link(parent, name);
            into.items.push_back(std::move(item));
            continue;
        }
        if (excluded && ignore_.excludes_tree(item.path)) continue;
        const auto at = into.items.size();
        const auto [inner_path, inner_relative] = std::pair{item.path, item.relative};
        into.items.push_back(std::move(item));
        const Fd fd = open_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        walk(fd.get(), inner_path, inner_relative, into);
        // An excluded directory comes along only for what is brought back from it.
        if (excluded && into.items.size() == at + 1) into.items.pop_back();
    }
}

Fd SourceTree::open(const SourceItem& item) const {
    // Non-blocking: should a fifo or device stand there now, opening it must not hang or act.
    Fd fd = os::open_in_root(root_, item.path, O_RDONLY | O_NONBLOCK);
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) throw SysError("stat {}", item.path);
    if (info.st_dev != item.info.st_dev || info.st_ino != item.info.st_ino ||
        !S_ISREG(info.st_mode)) {
        throw Error(ErrorKind::conflict, "{} changed during the build", item.path);
    }
    return fd;
}

const Digest& SourceTree::content(const SourceItem& item) const {
    if (const auto known = contents_.find(item.path); known != contents_.end())
        return known->second;
    const Fd fd = open(item);
    Sha256 hasher;
    std::vector<std::byte> buffer(256U << 10U);
    while (const auto size = read_some(fd.get(), buffer))
        hasher.update(std::span(buffer).first(size));
    return contents_.emplace(item.path, hasher.digest()).first->second;
}

Digest SourceTree::digest(const Source& source) const {
    Sha256 hasher;
    const auto field = [&](std::string_view text) {
        hasher.update(std::to_string(text.size()));
        hasher.update(":");
        hasher.update(text);
    };
    for (const auto& item : source.items) {
        field(item.relative);
        field(std::to_string(item.info.st_mode));
        if (ownership_) field(fmt::format("{}:{}", item.info.st_uid, item.info.st_gid));
        if (S_ISREG(item.info.st_mode)) field(content(item).str());
        if (S_ISLNK(item.info.st_mode)) field(item.link);
        if (S_ISCHR(item.info.st_mode) || S_ISBLK(item.info.st_mode))
            field(std::to_string(item.info.st_rdev));
    }
    return hasher.digest();
}

}  // namespace brig::build
