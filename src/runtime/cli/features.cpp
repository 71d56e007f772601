// brig-runtime features: what this runtime knows, in the runtime specification's document.
#include <nlohmann/json.hpp>

#include "base/version.h"
#include "oci/runtime_defaults.h"
#include "os/sandbox.h"
#include "runtime/cli/command.h"

namespace brig::runtime {
namespace {

using nlohmann::ordered_json;

ordered_json seccomp() {
    return {{"enabled", true},
            {"actions",
             {"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS",
              "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE",
              "SCMP_ACT_TRAP"}},
            {"operators",
             {"SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT",
              "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE"}}};
}

ordered_json linux_section() {
    ordered_json out;
    out["namespaces"] = {"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"};
    out["capabilities"] = oci::all_capabilities();
    out["cgroup"] = {{"v1", true}, {"v2", true}, {"systemd", true}, {"systemdUser", false}};
    out["seccomp"] = seccomp();
    out["apparmor"] = {{"enabled", true}};
    out["selinux"] = {{"enabled", true}};
    out["intelRdt"] = {{"enabled", false}};
    out["mountExtensions"] = {{"idmap", {{"enabled", true}}}};
    out["netDevices"] = {{"enabled", true}};
    out["memoryPolicy"] = {
        {"modes",
         {"MPOL_BIND", "MPOL_DEFAULT", "MPOL_INTERLEAVE", "MPOL_LOCAL", "MPOL_PREFERRED",
          "MPOL_PREFERRED_MANY", "MPOL_WEIGHTED_INTERLEAVE"}},
        {"flags", {"MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"}}};
    return out;
}

int run(Context&, const Arguments&) {
    ordered_json out;
    out["ociVersionMin"] = "1.0.0";
    out["ociVersionMax"] = "1.3.0";
    out["hooks"] = {"prestart",       "createRuntime", "createContainer",
                    "startContainer", "poststart",     "poststop"};
    out["mountOptions"] = {"async",
                           "atime",
                           "bind",
                           "defaults",
                           "dev",
                           "diratime",
                           "dirsync",
                           "exec",
                           "iversion",
                           "lazytime",
                           "loud",
                           "mand",
                           "noatime",
                           "nodev",
                           "nodiratime",
                           "noexec",
                           "noiversion",
                           "nolazytime",
                           "nomand",
                           "norelatime",
                           "nostrictatime",
                           "nosuid",
                           "nosymfollow",
                           "private",
                           "ratime",
                           "rbind",
                           "rdev",
                           "rdiratime",
                           "relatime",
                           "remount",
                           "rexec",
                           "rnoatime",
                           "rnodev",
                           "rnodiratime",
                           "rnoexec",
                           "rnorelatime",
                           "rnostrictatime",
                           "rnosuid",
                           "rnosymfollow",
                           "ro",
                           "rprivate",
                           "rrelatime",
                           "rro",
                           "rrw",
                           "rshared",
                           "rslave",
                           "rstrictatime",
                           "rsuid",
                           "rsymfollow",
                           "runbindable",
                           "rw",
                           "shared",
                           "silent",
                           "slave",
                           "strictatime",
                           "suid",
                           "symfollow",
                           "sync",
                           "tmpcopyup",
                           "unbindable"};
    if (os::sandbox_kind() == os::SandboxKind::namespaces) out["linux"] = linux_section();
    out["annotations"] = {{"org.brig.version", version}, {"org.brig.commit", git_commit}};
    print(out.dump(4) + "\n");
    return 0;
}

}  // namespace

constinit const Command features_command{.name = "features",
                                         .usage = "",
                                         .summary = "print what this runtime supports",
                                         .words = {0, 0},
                                         .run = run};

}  // namespace brig::runtime
