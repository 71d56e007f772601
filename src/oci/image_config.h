// The image configuration: what a container made from the image runs, and which layers it has.
// Reads both OCI's and docker's JSON (docker's adds Healthcheck, OnBuild, Shell, …).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/time.h"
#include "oci/platform.h"

namespace brig::oci {

struct HealthCheck {
    std::vector<std::string> test;  ///< {"NONE"}, {"CMD", …}, {"CMD-SHELL", command} or empty
    std::chrono::nanoseconds interval{};
    std::chrono::nanoseconds timeout{};
    std::chrono::nanoseconds start_period{};
    std::chrono::nanoseconds start_interval{};
    int retries = 0;

    bool operator==(const HealthCheck&) const = default;
};

/// The "config" object: defaults for containers of the image.
struct ExecutionConfig {
    std::string user;
    std::vector<std::string> env;  ///< "NAME=value"
    std::vector<std::string> entrypoint;
    std::vector<std::string> cmd;
    std::string working_dir;
    std::map<std::string, std::string> labels;
    std::set<std::string> exposed_ports;  ///< "80/tcp"
    std::set<std::string> volumes;
    std::string stop_signal;
    std::optional<int> stop_timeout;
    std::vector<std::string> shell;
    std::vector<std::string> on_build;
    std::optional<HealthCheck> health_check;

    bool operator==(const ExecutionConfig&) const = default;
};

struct HistoryEntry {
    std::optional<Instant> created;
    std::string created_by;
    std::string author;
    std::string comment;
    bool empty_layer = false;

    bool operator==(const HistoryEntry&) const = default;
};

struct ImageConfig {
    Platform platform;
    std::optional<Instant> created;
    std::string author;
    ExecutionConfig config;
    std::vector<Digest> diff_ids;
    std::vector<HistoryEntry> history;

    bool operator==(const ImageConfig&) const = default;

    /// Nulls and absent fields are empty; a field of the wrong type throws Error{invalid_argument}
    /// naming it. An image whose "config" is absent is accepted.
    static ImageConfig parse(std::string_view text);
    /// Deterministic: equal configurations give equal bytes, so equal image IDs.
    [[nodiscard]] std::string to_json() const;
};

ExecutionConfig execution_config_from_json(const nlohmann::json& json);
nlohmann::json to_json(const ExecutionConfig& config);
nlohmann::json to_json(const HealthCheck& check);
HealthCheck health_check_from_json(const nlohmann::json& json);

/// The name of a stack of layers: sha256 over the digests of its uncompressed tars (image-spec,
/// "layer chainID"). One per prefix, lowest first.
std::vector<Digest> chain_ids(const std::vector<Digest>& diff_ids);
Digest chain_id(const std::optional<Digest>& parent_chain, const Digest& diff_id);

}  // namespace brig::oci
