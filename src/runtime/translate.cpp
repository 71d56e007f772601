// See translate.h.
#include "runtime/translate.h"

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "os/sandbox.h"
#include "runtime/jail_annotations.h"

namespace brig::runtime {
namespace fs = std::filesystem;
namespace {

/// Sources of bind mounts may be relative to the bundle.
std::vector<brig::Mount> absolute_sources(std::vector<brig::Mount> mounts, const fs::path& bundle) {
    for (brig::Mount& mount : mounts) {
        const bool bind = mount.type == "bind" || mount.type == "nullfs" ||
                          std::ranges::any_of(mount.options, [](const std::string& o) {
                              return o == "bind" || o == "rbind";
                          });
        if (bind && !mount.source.starts_with('/')) mount.source = (bundle / mount.source).string();
    }
    return mounts;
}

}  // namespace

os::SandboxSpec sandbox_spec(const std::string& id, const fs::path& bundle,
                             const oci::RuntimeSpec& spec, const std::vector<brig::Mount>& rootfs) {
    if (!spec.has_process)
        throw Error(ErrorKind::invalid_argument, "config.json: process is missing");
    if (spec.root.path.empty())
        throw Error(ErrorKind::invalid_argument, "config.json: root.path is missing");
    if (os::sandbox_kind() == os::SandboxKind::namespaces && !spec.linux) {
        throw Error(ErrorKind::invalid_argument, "config.json: linux is missing");
    }
    os::SandboxSpec out;
    out.id = id;
    out.process = spec.process;
    out.root = (bundle / spec.root.path).lexically_normal().string();
    out.root_readonly = spec.root.readonly;
    out.root_mounts = rootfs;
    out.mounts = absolute_sources(spec.mounts, bundle);
    out.hostname = spec.hostname;
    out.domainname = spec.domainname;
    if (spec.linux) {
        out.linux_settings = *spec.linux;
        out.process.memory_policy = spec.linux->memory_policy;
    }
    if (spec.freebsd && os::sandbox_kind() == os::SandboxKind::namespaces)
        log::warn("the section freebsd is for another platform and has no effect");
    out.jail_settings = spec.freebsd ? *spec.freebsd : jail_without_section();
    apply_jail_annotations(spec.annotations, out.jail_settings);
    out.annotations = spec.annotations;
    return out;
}

}  // namespace brig::runtime
