// What brigd is told by its command line and by brigd.toml; the command line wins.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "os/places.h"
#include "registry/settings.h"

namespace brig::engine {

struct DaemonOptions {
    std::filesystem::path root = os::default_places().root;
    std::filesystem::path run = os::default_places().run;
    std::vector<std::filesystem::path> sockets;  ///< empty until finished: RUN/brig.sock
    std::filesystem::path config = os::default_places().config;  ///< whether it exists or not
    // Empty: what network::config_for chooses for `run`.
    std::string bridge;
    std::string subnet;  ///< the bridge's address
    bool ipv6 = false;
    std::string subnet6;  ///< empty: made for `run`
    bool ip6tables = true;
    std::string nft_table;
    std::string link_prefix;   ///< of host-side interfaces
    std::string snapshotter;   ///< empty: the platform's best
    std::string userns_remap;  ///< see userns_remap.h
    std::string shim;          ///< program; empty: beside brigd, else from PATH
    log::Level log_level = log::Level::info;
    std::optional<int> idle_exit;  ///< seconds
    std::set<std::string> insecure_registries;
    registry::Mirrors mirrors;
    std::size_t downloads = 3;  ///< blobs of one image at the same time
    std::size_t uploads = 5;
    std::vector<std::string> ssh_command{"ssh"};  ///< for registries of ssh:// names
    bool help = false;
    bool version = false;
};

/// Throws Error{invalid_argument} naming the option or key.
DaemonOptions parse_daemon_options(const std::vector<std::string>& arguments,
                                   const std::filesystem::path& default_config);
/// One key of the file or long option without its dashes.
void apply_option(DaemonOptions& options, const std::string& key, const std::string& value);

std::string daemon_usage();

}  // namespace brig::engine
