// Docker's mount syntax and its order of precedence.
#include "engine/mounts.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/strings.h"
#include "volume/store.h"

namespace brig::engine {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void invalid(const std::string& text, std::string_view why) {
    throw Error(ErrorKind::invalid_argument, "invalid volume specification: '{}': {}", text, why);
}

std::string clean(const std::string& path) {
    std::string normal = fs::path(path).lexically_normal().string();
    while (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
    return normal;
}

void check_target(const std::string& text, const std::string& target) {
    if (!target.starts_with('/')) {
        invalid(text, fmt::format("invalid mount path: '{}' mount path must be absolute", target));
    }
    if (clean(target) == "/") invalid(text, "destination can't be '/'");
    if (target.find('\0') != std::string::npos) invalid(text, "mount path contains a zero byte");
}

bool is_propagation(std::string_view option) {
    constexpr std::array<std::string_view, 6> modes{"private", "rprivate", "shared",
                                                    "rshared", "slave",    "rslave"};
    return std::ranges::find(modes, option) != modes.end();
}

void apply_options(const std::string& text, MountPoint& mount) {
    std::set<std::string> seen;
    for (const auto& option : split(mount.mode, ',')) {
        if (option == "ro") {
            mount.rw = false;
        } else if (option == "nocopy" && mount.type == "volume") {
            mount.copy_up = false;
        } else if (is_propagation(option) && mount.type == "bind") {
            mount.propagation = option;
        } else if (option != "rw" && option != "z" && option != "Z" && option != "consistent" &&
                   option != "cached" && option != "delegated") {
            invalid(text, fmt::format("invalid mode: {}", mount.mode));
        }
        if (!seen.insert(option).second) invalid(text, fmt::format("invalid mode: {}", mount.mode));
    }
    if (seen.contains("ro") && seen.contains("rw"))
        invalid(text, fmt::format("invalid mode: {}", mount.mode));
}

MountPoint volume_at(const std::string& name, const std::string& target) {
    MountPoint mount;
    mount.type = "volume";
    mount.name = name;
    mount.destination = clean(target);
    mount.driver = "local";
    mount.copy_up = true;
    mount.anonymous = name.empty();
    return mount;
}

MountPoint tmpfs_at(const std::string& target, const std::string& options) {
    check_target("tmpfs", target);
    MountPoint mount;
    mount.type = "tmpfs";
    mount.destination = clean(target);
    mount.mode = options;
    const auto words = split(options, ',');
    mount.rw = std::ranges::find(words, "ro") == words.end();
    return mount;
}

}  // namespace

MountPoint parse_bind(const std::string& text) {
    const auto parts = split(text, ':');
    if (parts.size() > 3 || std::ranges::any_of(parts, [](const auto& p) { return p.empty(); })) {
        throw Error(ErrorKind::invalid_argument, "invalid volume specification: '{}'", text);
    }
    if (parts.size() == 1) {
        check_target(text, parts[0]);
        return volume_at("", parts[0]);
    }
    check_target(text, parts[1]);
    MountPoint mount;
    if (parts[0].starts_with('/')) {
        mount.type = "bind";
        mount.source = clean(parts[0]);
        mount.destination = clean(parts[1]);
        mount.propagation = "rprivate";
    } else {
        volume::check_name(parts[0]);
        mount = volume_at(parts[0], parts[1]);
    }
    if (parts.size() == 3) {
        mount.mode = parts[2];
        apply_options(text, mount);
    }
    return mount;
}

MountPoint parse_mount(const MountRequest& request) {
    const auto invalid_config = [&](const std::string& why) {
        return Error(ErrorKind::invalid_argument, "invalid mount config for type \"{}\": {}",
                     request.type, why);
    };
    if (request.target.empty()) throw invalid_config("field Target must not be empty");
    check_target(request.target, request.target);
    MountPoint mount;
    if (request.type == "volume") {
        if (!request.source.empty()) volume::check_name(request.source);
        mount = volume_at(request.source, request.target);
        mount.copy_up = !request.volume_no_copy;
    } else if (request.type == "bind") {
        if (!request.source.starts_with('/')) {
            throw invalid_config(fmt::format("invalid mount path: '{}' mount path must be absolute",
                                             request.source));
        }
        struct stat info {};
        if (!request.bind_create_mountpoint && ::stat(request.source.c_str(), &info) != 0) {
            throw invalid_config("bind source path does not exist: " + request.source);
        }
        mount.type = "bind";
        mount.source = clean(request.source);
        mount.destination = clean(request.target);
        mount.propagation =
            request.bind_propagation.empty() ? "rprivate" : request.bind_propagation;
        if (!is_propagation(mount.propagation))
            throw invalid_config("invalid propagation mode: " + mount.propagation);
        mount.recursive = !request.bind_non_recursive;
    } else if (request.type == "tmpfs") {
        if (!request.source.empty()) throw invalid_config("field Source must not be specified");
        mount = tmpfs_at(request.target, "");
        mount.tmpfs_size = request.tmpfs_size;
        mount.tmpfs_mode = request.tmpfs_mode;
    } else {
        throw Error(ErrorKind::not_implemented, "mounts of type \"{}\" are not implemented",
                    request.type);
    }
    mount.rw = !request.read_only;
    return mount;
}

std::vector<MountPoint> plan_mounts(const MountSources& sources) {
    std::vector<MountPoint> out;
    const auto at = [&](const std::string& target) {
        return std::ranges::find(out, target, &MountPoint::destination);
    };
    const auto add_once = [&](MountPoint mount) {
        if (at(mount.destination) != out.end()) {
            throw Error(ErrorKind::invalid_argument, "Duplicate mount point: {}",
                        mount.destination);
        }
        out.push_back(std::move(mount));
    };
    for (const auto& bind : sources.host.binds) add_once(parse_bind(bind));
    for (const auto& mount : sources.host.mounts) add_once(parse_mount(mount));
    for (const auto& [target, options] : sources.host.tmpfs) add_once(tmpfs_at(target, options));
    for (const auto& mount : sources.inherited) {
        if (at(mount.destination) == out.end()) out.push_back(mount);
    }
    for (const auto& target : sources.config.volumes) {
        check_target(target, target);
        if (at(clean(target)) == out.end()) out.push_back(volume_at("", target));
    }
    return out;
}

void realise_mounts(std::vector<MountPoint>& mounts, volume::Store& volumes,
                    std::vector<std::string>& made) {
    for (auto& mount : mounts) {
        if (mount.type == "volume") {
            const auto created =
                volumes.create({.name = mount.name, .provisional = mount.name.empty()});
            if (mount.name.empty()) made.push_back(created.name);
            mount.name = created.name;
            mount.source = created.mountpoint.string();
        } else if (mount.type == "bind") {
            struct stat info {};
            if (::stat(mount.source.c_str(), &info) != 0) make_directories(mount.source, 0755);
        }
    }
}

}  // namespace brig::engine
