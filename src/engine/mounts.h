// What a container sees mounted: -v, --mount, --tmpfs, --volumes-from and the image's VOLUMEs, as
// one list of resolved mount points.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/types.h"

namespace brig::volume {
class Store;
}

namespace brig::engine {

/// "SOURCE:TARGET[:OPTIONS]" or "TARGET". Throws invalid_argument with docker's texts. The volume
/// of an anonymous mount is not named yet.
MountPoint parse_bind(const std::string& text);
/// One `--mount`. Throws invalid_argument, not_implemented for a type unknown here.
MountPoint parse_mount(const MountRequest& request);

struct MountSources {
    const Config& config;  ///< merged with the image's
    const HostConfig& host;
    std::vector<MountPoint> inherited;  ///< of --volumes-from
};

/// All mount points, each target once. Makes nothing.
std::vector<MountPoint> plan_mounts(const MountSources& sources);

/// Makes the volumes and the directories of binds that are missing. Anonymous volumes that were
/// made are provisional and returned in `made`, for the caller to keep, or to remove when the
/// creation fails further on.
void realise_mounts(std::vector<MountPoint>& mounts, volume::Store& volumes,
                    std::vector<std::string>& made);

}  // namespace brig::engine
