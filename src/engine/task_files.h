// Small files that the start of a container writes: nothing here survives a reboot or needs to, so
// nothing is flushed.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "archive/owner_map.h"
#include "engine/container.h"
#include "network/network.h"

namespace brig::engine {

/// Makes the bundle directory with an empty rootfs and config.json, over what a killed engine left.
void write_bundle(const std::filesystem::path& bundle, std::string_view config);
/// hosts, hostname, resolv.conf, owned by the root of `owners`. Throws invalid_argument for a
/// malformed --add-host.
void write_network_files(const std::filesystem::path& directory, const Record& record,
                         const std::optional<network::Endpoint>& endpoint,
                         const archive::OwnerMap& owners);

}  // namespace brig::engine
