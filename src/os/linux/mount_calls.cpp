// See mount_calls.h.
#include "os/linux/mount_calls.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/error.h"
#include "base/strings.h"

namespace brig::os {
namespace {

constexpr std::size_t max_parameter = 255;  // fsconfig(2) takes no longer string

/// What the file system itself says about a failure (fsopen(2)'s message queue).
std::string kernel_message(int context) {
    std::array<char, 512> buffer;
    std::string out;
    for (;;) {
        const ssize_t n = ::read(context, buffer.data(), buffer.size());
        if (n <= 2) return out;
        const std::string_view line(buffer.data() + 2, static_cast<std::size_t>(n) - 2);
        out += out.empty() ? " (" : "; ";
        out += trim(line);
        if (out.size() > 1000) return out;
    }
}

[[noreturn]] void fail(int context, const MountPlan& plan, std::string_view what) {
    const int error = errno;
    std::string text = kernel_message(context);
    if (!text.empty()) text += ')';
    throw SysError(error, fmt::format("mount {} {} on {}: {}{}", plan.type, plan.source,
                                      plan.target.empty() ? "the root" : plan.target, what, text));
}

/// Paths too long for the call are passed as open descriptors' names.
class ShortPaths {
public:
    std::string operator()(const std::string& path) {
        if (path.size() <= max_parameter) return path;
        opened_.push_back(open_file(path, O_PATH));
        return fmt::format("/proc/self/fd/{}", opened_.back().get());
    }
    /// Shorter than any path of a store.
    std::string always(const std::string& path) {
        opened_.push_back(open_file(path, O_PATH));
        return fmt::format("/proc/self/fd/{}", opened_.back().get());
    }

private:
    std::vector<Fd> opened_;
};

/// "a:b\:c" → {"a", "b:c"}.
std::vector<std::string> split_layers(const std::string& text) {
    std::vector<std::string> out(1);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) {
            out.back() += text[++i];
        } else if (text[i] == ':') {
            out.emplace_back();
        } else {
            out.back() += text[i];
        }
    }
    return out;
}

bool configure(int context, const std::string& key, const std::optional<std::string>& value) {
    if (!value) return ::fsconfig(context, FSCONFIG_SET_FLAG, key.c_str(), nullptr, 0) == 0;
    return ::fsconfig(context, FSCONFIG_SET_STRING, key.c_str(), value->c_str(), 0) == 0;
}

bool is_path(const std::string& key) { return key == "upperdir" || key == "workdir"; }

/// One option string as mount(2) wants it, of at most a page.
std::string legacy_options(const MountPlan& plan, ShortPaths& paths) {
    std::size_t length = 0;
    for (const auto& [key, value] : plan.parameters)
        length += key.size() + 2 + (value ? value->size() : 0);
    const bool shorten = length > 3900;
    std::vector<std::string> options;
    for (const auto& [key, value] : plan.parameters) {
        if (!value) {
            options.push_back(key);
        } else if (key == "lowerdir" && shorten) {
            std::vector<std::string> layers;
            for (const std::string& layer : split_layers(*value))
                layers.push_back(paths.always(layer));
            options.push_back(key + "=" + join(layers, ":"));
        } else {
            options.push_back(key + "=" +
                              (shorten && is_path(key) ? paths.always(*value) : *value));
        }
    }
    return join(options, ",");
}

/// Kernels before 6.5 have no "lowerdir+": mount at `scratch`, take a copy, unmount.
Fd make_overlay_the_old_way(const MountPlan& plan, const std::string& scratch) {
    ShortPaths paths;
    const std::string options = legacy_options(plan, paths);
    if (::mount("overlay", scratch.c_str(), "overlay", 0, options.c_str()) != 0) {
        throw SysError("mount overlay on {}", scratch);
    }
    Fd tree(::open_tree(AT_FDCWD, scratch.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
    const int error = errno;
    ::umount2(scratch.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
    if (!tree) throw SysError(error, "copy the overlay mounted on " + scratch);
    set_attributes(tree.get(), plan.top, false);
    return tree;
}

}  // namespace

Fd make_mount(const MountPlan& plan, const std::string& scratch) {
    const Fd context(::fsopen(plan.type.c_str(), FSOPEN_CLOEXEC));
    if (!context) {
        if (errno == ENODEV) {
            throw Error(ErrorKind::invalid_argument, "mount {}: the kernel has no file system {:?}",
                        plan.target, plan.type);
        }
        throw SysError("open file system {}", plan.type);
    }
    const bool overlay = plan.type == "overlay";
    if (!plan.source.empty() && !configure(context.get(), "source", plan.source)) {
        fail(context.get(), plan, "source: ");
    }
    ShortPaths paths;
    for (const auto& [key, value] : plan.parameters) {
        if (overlay && key == "lowerdir" && value) {
            for (const std::string& layer : split_layers(*value)) {
                if (configure(context.get(), "lowerdir+", paths(layer))) continue;
                if (errno == EINVAL) return make_overlay_the_old_way(plan, scratch);
                fail(context.get(), plan, "lowerdir: ");
            }
        } else if (overlay && is_path(key) && value) {
            if (!configure(context.get(), key, paths(*value)))
                fail(context.get(), plan, key + ": ");
        } else if (!configure(context.get(), key, value)) {
            fail(context.get(), plan, fmt::format("option {}: ", key));
        }
    }
    if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
        fail(context.get(), plan, "");
    }
    Fd mount(::fsmount(context.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(plan.top.set)));
    if (!mount) fail(context.get(), plan, "");
    return mount;
}

Fd make_bind(const MountPlan& plan) {
    const unsigned recursive = plan.recursive_bind ? AT_RECURSIVE : 0;
    Fd tree(::open_tree(AT_FDCWD, plan.source.c_str(),
                        OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive));
    if (!tree) throw SysError("bind {} to {}", plan.source, plan.target);
    return tree;
}

Fd clone_mount(int fd, bool recursive) {
    const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;
    Fd tree(::open_tree(fd, "", flags | (recursive ? AT_RECURSIVE : 0)));
    if (!tree) throw SysError("copy a mount");
    return tree;
}

Fd make_planned(const MountPlan& plan, const std::string& scratch) {
    Fd mount = plan.bind ? make_bind(plan) : make_mount(plan, scratch);
    if (plan.bind) set_attributes(mount.get(), plan.top, false);
    set_attributes(mount.get(), plan.recursive, true);
    return mount;
}

void set_attributes(int mount, const MountPlan::Attributes& attributes, bool recursive) {
    if (attributes.empty()) return;
    mount_attr request{};
    request.attr_set = attributes.set;
    request.attr_clr = attributes.clear;
    const unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
    if (::mount_setattr(mount, "", flags, &request, sizeof request) != 0) {
        throw SysError("set the attributes of a mount");
    }
}

void attach_mount(int mount, int place, const std::string& name) {
    constexpr unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
    if (::move_mount(mount, "", place, "", flags) != 0) throw SysError("mount on {}", name);
}

void set_propagation(int mount, const std::vector<std::uint64_t>& flags) {
    for (const std::uint64_t flag : flags) {
        mount_attr request{};
        request.propagation = flag & ~static_cast<std::uint64_t>(MS_REC);
        const unsigned at = AT_EMPTY_PATH | ((flag & MS_REC) != 0 ? AT_RECURSIVE : 0);
        if (::mount_setattr(mount, "", at, &request, sizeof request) != 0) {
            throw SysError("set the propagation of a mount");
        }
    }
}

}  // namespace brig::os
