// See container_json.h.
#include "runtime/cli/container_json.h"

#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/strings.h"

namespace brig::runtime {

nlohmann::ordered_json container_json(const Context& context, const State& state) {
    nlohmann::ordered_json out;
    out["ociVersion"] = state.oci_version;
    out["id"] = state.id;
    out["pid"] = state.pid;
    out["status"] = to_string(state.status);
    out["bundle"] = state.bundle.string();
    out["rootfs"] = state.rootfs.string();
    out["created"] = format_rfc3339(state.created);
    if (!state.annotations.empty()) out["annotations"] = state.annotations;
    out["owner"] = owner_of(context, state.id);
    return out;
}

std::string owner_of(const Context& context, const std::string& id) {
    struct stat status {};
    if (::stat((context.root + "/" + id).c_str(), &status) != 0) return "";
    const std::string uid = std::to_string(status.st_uid);
    // Not getpwuid(3): name services cannot be had in a statically linked program.
    try {
        for (const std::string& line : split(read_file("/etc/passwd"), '\n')) {
            const auto fields = split(line, ':');
            if (fields.size() > 2 && fields[2] == uid) return fields[0];
        }
    } catch (const Error&) {
        // No such file: the number will do.
    }
    return "#" + uid;
}

}  // namespace brig::runtime
