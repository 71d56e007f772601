#include "build/copy.h"

#include <fcntl.h>
#include <sys/stat.h>
#if __has_include(<sys/sysmacros.h>)
#include <sys/sysmacros.h>
#endif

#include "archive/tree_writer.h"
#include "base/error.h"
#include "os/beneath.h"
#include "os/xattr.h"

namespace brig::build {
namespace {

/// What stands at the target; nothing when it is absent. Links are followed within the root.
std::optional<struct stat> stat_target(int root, const std::string& path) {
    try {
        const Fd fd = os::open_in_root(root, path, O_PATH);
        struct stat info {};
        if (::fstat(fd.get(), &info) != 0) throw SysError("stat {}", path);
        return info;
    } catch (const SysError& error) {
        if (error.error_number() == ENOENT) return std::nullopt;
        if (error.error_number() == ENOTDIR) {
            throw Error(ErrorKind::invalid_argument, "cannot copy below a file: {}", path);
        }
        throw;
    }
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }
std::string join_path(const std::string& directory, const std::string& name) {
    return directory.ends_with('/') ? directory + name : directory + "/" + name;
}

/// Where a single file called `name` lands.
std::string file_path(const CopyTarget& target, const std::string& name) {
    const auto standing = stat_target(target.root, target.path);
    const bool into =
        target.directory || target.path == "/" || (standing && S_ISDIR(standing->st_mode));
    if (!into) return target.path;
    if (standing && !S_ISDIR(standing->st_mode)) {
        throw Error(ErrorKind::invalid_argument, "cannot copy to non-directory: {}", target.path);
    }
    auto path = join_path(target.path, name);
    if (const auto there = stat_target(target.root, path); there && S_ISDIR(there->st_mode)) {
        throw Error(ErrorKind::invalid_argument, "cannot overwrite directory {} with a file", path);
    }
    return path;
}

class Copier {
public:
    Copier(const SourceTree& tree, const CopyTarget& target)
        : source_(tree),
          target_(target),
          root_(open_at(target.root, ".", O_RDONLY | O_DIRECTORY)),
          writer_(layer()) {}

    /// Directories above `path` that are missing, owned as what is copied.
    void make_parents(const std::string& path) {
        for (auto slash = path.find('/', 1); slash != std::string::npos;
             slash = path.find('/', slash + 1)) {
            const auto directory = path.substr(0, slash);
            if (const auto there = stat_target(target_.root, directory)) {
                if (!S_ISDIR(there->st_mode)) {
                    throw Error(ErrorKind::invalid_argument, "cannot copy below a file: {}",
                                directory);
                }
                continue;
            }
            make_directory(directory);
        }
    }
    void make_directory(const std::string& path) {
        archive::Entry entry;
        entry.path = path;
        entry.type = archive::EntryType::directory;
        entry.mode = 0755;
        own(entry);
        entry.mtime = {.tv_sec = ::time(nullptr), .tv_nsec = 0};
        writer_.add(entry);
    }

    void add(const SourceItem& item, const std::string& path) {
        archive::Entry entry;
        entry.path = path;
        entry.mode = item.info.st_mode & 07777U;
        entry.mtime = item.info.st_mtim;
        if (source_.ownership()) {
            entry.uid = target_.owners.user(item.info.st_uid, archive::To::archive);
            entry.gid = target_.owners.group(item.info.st_gid, archive::To::archive);
        }
        own(entry);
        if (target_.mode && !S_ISLNK(item.info.st_mode)) entry.mode = *target_.mode;
        switch (item.info.st_mode & S_IFMT) {
            case S_IFREG: return add_file(item, entry);
            case S_IFDIR: entry.type = archive::EntryType::directory; break;
            case S_IFLNK:
                entry.type = archive::EntryType::symlink;
                entry.link = item.link;
                break;
            case S_IFIFO: entry.type = archive::EntryType::fifo; break;
            case S_IFCHR:
            case S_IFBLK:
                entry.type = S_ISCHR(item.info.st_mode) ? archive::EntryType::character
                                                        : archive::EntryType::block;
                entry.device_major = major(item.info.st_rdev);
                entry.device_minor = minor(item.info.st_rdev);
                break;
            default: return;
        }
        writer_.add(entry);
    }
    void finish() { writer_.finish(); }
    void own(archive::Entry& entry) const {
        if (!target_.owner) return;
        entry.uid = target_.owner->uid;
        entry.gid = target_.owner->gid;
    }
    archive::TreeWriter& writer() { return writer_; }

private:
    const archive::LayerTree& layer() {
        layer_.root = root_.duplicate();
        layer_.owners = target_.owners;
        return layer_;
    }
    void add_file(const SourceItem& item, archive::Entry& entry) {
        const Fd file = source_.open(item);
        if (source_.ownership()) {
            const auto [parent, name] = os::open_parent_in_root(source_.root(), item.path);
            entry.xattrs = os::list_xattrs(parent.get(), name);
            target_.owners.translate(entry.xattrs, archive::To::archive);
        }
        const auto body = archive::from_fd(file.get());
        writer_.add(entry, body.get());
    }

    const SourceTree& source_;
    const CopyTarget& target_;
    Fd root_;
    archive::LayerTree layer_;
    archive::TreeWriter writer_;
};

}  // namespace

void copy_source(const SourceTree& tree, const Source& source, const CopyTarget& target) {
    Copier copier(tree, target);
    if (!source.directory) {
        const auto path = file_path(target, base_name(source.path));
        copier.make_parents(path);
        copier.add(source.items.front(), path);
        copier.finish();
        return;
    }
    const auto standing = stat_target(target.root, target.path);
    if (standing && !S_ISDIR(standing->st_mode)) {
        throw Error(ErrorKind::invalid_argument, "cannot copy to non-directory: {}", target.path);
    }
    if (!standing) copier.make_parents(target.path);
    for (const auto& item : source.items) {
        // A directory that is there already keeps its own owner and mode.
        if (item.relative.empty() && standing) continue;
        copier.add(item,
                   item.relative.empty() ? target.path : join_path(target.path, item.relative));
    }
    copier.finish();
}

void make_target(const CopyTarget& target) {
    const SourceTree nothing(target.root, {}, false);
    Copier(nothing, target).make_parents(target.path + "/");
}

void copy_text(std::string_view text, const std::string& name, const CopyTarget& target) {
    const SourceTree nothing(target.root, {}, false);
    Copier copier(nothing, target);
    archive::Entry entry;
    entry.path = file_path(target, name);
    entry.mode = target.mode.value_or(0644);
    entry.mtime = {.tv_sec = ::time(nullptr), .tv_nsec = 0};
    copier.own(entry);
    copier.make_parents(entry.path);
    const auto body = archive::from_memory(text);
    copier.writer().add(entry, body.get());
    copier.finish();
}

}  // namespace brig::build
