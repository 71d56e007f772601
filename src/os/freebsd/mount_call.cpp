// See mount_call.h. Facts per file system: nmount(2), mount_nullfs(8), tmpfs(5), fdescfs(5).
#include "os/freebsd/mount_call.h"

#include <sys/param.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "base/strings.h"
#include "os/beneath.h"
#include "os/freebsd/jail.h"

namespace brig::os {
namespace {

struct FlagName {
    std::string_view name;
    long long flag;
};
constexpr std::array flag_names{FlagName{"ro", MNT_RDONLY},
                                FlagName{"nosuid", MNT_NOSUID},
                                FlagName{"noexec", MNT_NOEXEC},
                                FlagName{"noatime", MNT_NOATIME},
                                FlagName{"nosymfollow", MNT_NOSYMFOLLOW},
                                FlagName{"sync", MNT_SYNCHRONOUS},
                                FlagName{"async", MNT_ASYNC}};

/// nmount refuses what a file system does not know, so the options of those that containers have
/// are listed; others are left to the kernel. tmpfs: 13.2's.
bool is_own_option(const std::string& type, std::string_view name) {
    const auto one_of = [&](std::initializer_list<std::string_view> names) {
        return std::find(names.begin(), names.end(), name) != names.end();
    };
    if (type == "tmpfs")
        return one_of({"size", "maxfilesize", "inodes", "uid", "gid", "mode", "nonc", "nomtime"});
    if (type == "devfs") return one_of({"ruleset"});
    if (type == "fdescfs") return one_of({"linrdlnk", "nodup", "rdlnk"});
    if (type == "nullfs") return one_of({"nocache", "cache", "unixbypass", "nounixbypass"});
    return type != "linprocfs" && type != "linsysfs" && type != "procfs" && type != "zfs";
}

/// Options that ask for what is so anyway: for what mounts here always do, or for the default.
bool asks_for_nothing(std::string_view name) {
    constexpr std::array<std::string_view, 17> words{
        "rw",    "bind",     "rbind",         "private",     "rprivate", "nodev",
        "dev",   "exec",     "suid",          "strictatime", "relatime", "norelatime",
        "atime", "diratime", "nostrictatime", "nodiratime",  "symfollow"};
    return std::find(words.begin(), words.end(), name) != words.end() || name.empty();
}

/// The kernel wants bytes where docker and mount(8) allow "64m".
std::string plain_value(const std::string& name, const std::string& value) {
    if (name != "size" && name != "maxfilesize") return value;
    const auto bytes = parse_bytes(value);
    if (!bytes)
        throw Error(ErrorKind::invalid_argument, "mount option {}={}: not a size", name, value);
    return std::to_string(*bytes);
}

bool is_bind(const brig::Mount& mount) {
    return mount.type == "bind" || mount.type == "nullfs" || mount.type == "none" ||
           mount.type.empty();
}

}  // namespace

bool mounts_a_file(const brig::Mount& mount) {
    struct stat info {};
    return is_bind(mount) && ::stat(mount.source.c_str(), &info) == 0 && !S_ISDIR(info.st_mode);
}

void mount_on(const brig::Mount& mount, const std::filesystem::path& target) {
    const std::string type = is_bind(mount) ? "nullfs" : mount.type;
    // Not in df(1): containers' mounts are of no interest there.
    long long flags = MNT_IGNORE;
    KernelParameters parameters;
    parameters.text("fstype", type).text("fspath", target.string());
    if (type == "nullfs") {
        parameters.text("target", mount.source);
    } else {
        parameters.text("from", mount.source.empty() ? type : mount.source);
    }
    for (const auto& option : mount.options) {
        const auto [given, value] = split_once(option, '=');
        const auto name =
            type == "tmpfs" && given == "nr_inodes" ? "inodes" : given;  // Linux's word
        const auto* flag = std::find_if(flag_names.begin(), flag_names.end(),
                                        [&](const auto& f) { return f.name == name; });
        if (flag != flag_names.end()) {
            flags |= flag->flag;
        } else if (asks_for_nothing(name)) {
            continue;
        } else if (is_own_option(type, name)) {
            value ? parameters.text(name, plain_value(name, *value)) : parameters.flag(name);
        } else {
            throw Error(ErrorKind::invalid_argument, "mount {}: {} has no option {:?} on FreeBSD",
                        mount.target, type, option);
        }
    }
    auto& vector = parameters.finish();
    if (::nmount(vector.data(), static_cast<unsigned>(vector.size()), static_cast<int>(flags)) == 0)
        return;
    const auto words = parameters.error_text();
    throw SysError("mount {} {} on {}{}", type, mount.source, target.string(),
                   words.empty() ? "" : " (" + words + ")");
}

void unmount_beneath(const std::filesystem::path& root) {
    int count = ::getfsstat(nullptr, 0, MNT_NOWAIT);
    if (count < 0) throw SysError("list mounts");
    std::vector<struct statfs> table(static_cast<std::size_t>(count) + 16);
    count = ::getfsstat(table.data(), static_cast<long>(table.size() * sizeof(struct statfs)),
                        MNT_NOWAIT);
    if (count < 0) throw SysError("list mounts");
    table.resize(static_cast<std::size_t>(count));
    const auto path = root.string();
    const auto inside = path.ends_with('/') ? path : path + "/";
    for (auto entry = table.rbegin(); entry != table.rend(); ++entry) {
        const std::string_view place = entry->f_mntonname;
        if (place != path && !place.starts_with(inside)) continue;
        // By number: the name may lead through a link that the container has made.
        const auto id = fmt::format("FSID:{}:{}", entry->f_fsid.val[0], entry->f_fsid.val[1]);
        if (::unmount(id.c_str(), MNT_BYFSID | MNT_FORCE) != 0 && errno != EINVAL &&
            errno != ENOENT) {
            throw SysError("unmount {}", std::string(place));
        }
    }
}

std::filesystem::path mount_place(int root, const std::filesystem::path& root_path,
                                  const brig::Mount& mount) {
    if (mounts_a_file(mount)) {
        make_directories_in_root(root, std::filesystem::path(mount.target).parent_path());
        const auto [parent, name] = open_parent_in_root(root, mount.target);
        const Fd file(::openat(parent.get(), name.c_str(),
                               O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644));
        if (!file) throw SysError("create {} to mount on", mount.target);
    } else {
        make_directories_in_root(root, mount.target);
    }
    // The kernel takes paths only: the one without links.
    const Fd place = open_in_root(root, mount.target, O_PATH);
    struct kinfo_file info {};
    info.kf_structsize = sizeof info;
    if (::fcntl(place.get(), F_KINFO, &info) != 0)
        throw SysError("find the path of {}", mount.target);
    const std::string real = info.kf_path;
    const auto inside = root_path.string() + "/";
    if (real != root_path.string() && !real.starts_with(inside)) {
        throw Error(ErrorKind::permission_denied, "{} leads out of the container's root",
                    mount.target);
    }
    return real;
}

}  // namespace brig::os
