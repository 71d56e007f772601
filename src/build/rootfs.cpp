#include "build/rootfs.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/strings.h"
#include "os/beneath.h"

namespace brig::build {
namespace {

constexpr std::size_t max_account_file = 4U << 20U;

/// The file's lines; none when it is absent or is no regular file (the tree is hostile).
std::vector<std::string> account_lines(int root, const std::string& path) {
    try {
        const Fd file = os::open_in_root(root, path, O_RDONLY | O_NONBLOCK);
        struct stat info {};
        if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
        return split(read_to_end(file.get(), max_account_file), '\n');
    } catch (const Error&) {
        return {};
    }
}

/// The fields of the entry called `name`.
std::optional<std::vector<std::string>> find_account(int root, const std::string& file,
                                                     const std::string& name) {
    for (const auto& line : account_lines(root, file)) {
        auto fields = split(line, ':');
        if (fields.size() >= 4 && fields[0] == name) return fields;
    }
    return std::nullopt;
}

std::optional<unsigned> find_id(int root, const std::string& file, const std::string& text) {
    if (const auto number = parse_int<unsigned>(text)) return number;
    const auto fields = find_account(root, file, text);
    return fields ? parse_int<unsigned>((*fields)[2]) : std::nullopt;
}

}  // namespace

Rootfs::Rootfs(const std::vector<Mount>& mounts, const std::filesystem::path& scratch) {
    // What is only a directory needs no mount, and so no privilege.
    if (mounts.size() == 1 && (mounts[0].type == "bind" || mounts[0].type == "nullfs")) {
        directory_ = open_file(mounts[0].source, O_RDONLY | O_DIRECTORY);
    } else {
        tree_.emplace(os::MountedTree::mount(mounts, scratch));
    }
}

Owner resolve_owner(int root, const std::string& text) {
    const auto [user, group] = split_once(text, ':');
    const auto fail = [&](const std::string& what, const std::string& name) -> Error {
        return {ErrorKind::invalid_argument,
                "unable to convert uid/gid chown string to host mapping: can't find {} for {}: no "
                "such {} in the image",
                what == "user" ? "uid" : "gid", what + " " + name, what};
    };
    const auto uid = find_id(root, "etc/passwd", user);
    if (!uid) throw fail("user", user);
    if (group) {
        const auto gid = find_id(root, "etc/group", *group);
        if (!gid) throw fail("group", *group);
        return {*uid, *gid};
    }
    if (const auto gid = find_id(root, "etc/group", user)) return {*uid, *gid};
    const auto fields = find_account(root, "etc/passwd", user);
    const auto gid = fields ? parse_int<unsigned>((*fields)[3]) : std::nullopt;
    if (!gid) throw fail("group", user);
    return {*uid, *gid};
}

}  // namespace brig::build
