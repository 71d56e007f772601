// See merge.h.
#include "engine/merge.h"

#include <algorithm>

namespace brig::engine {
namespace {

void merge_command(Config& config, const oci::ExecutionConfig& image) {
    if (config.entrypoint && !config.entrypoint->empty()) return;
    if (!config.cmd || config.cmd->empty()) {
        config.cmd = image.cmd.empty() ? std::nullopt : std::optional(image.cmd);
    }
    if (!config.entrypoint && !image.entrypoint.empty()) config.entrypoint = image.entrypoint;
}

void merge_variables(Config& config, const oci::ExecutionConfig& image) {
    const auto name = [](const std::string& entry) { return entry.substr(0, entry.find('=')); };
    const auto own = config.env;
    for (const auto& entry : image.env) {
        const bool overridden =
            std::ranges::any_of(own, [&](const auto& one) { return name(one) == name(entry); });
        if (!overridden) config.env.push_back(entry);
    }
}

/// A request without a test keeps the image's, and may change its times.
void merge_health_check(Config& config, const oci::ExecutionConfig& image) {
    if (!image.health_check) return;
    if (!config.health_check) {
        config.health_check = image.health_check;
        return;
    }
    auto& own = *config.health_check;
    const auto& theirs = *image.health_check;
    const auto inherit = [](auto& value, const auto& from) {
        if (value == std::decay_t<decltype(value)>{}) value = from;
    };
    inherit(own.test, theirs.test);
    inherit(own.interval, theirs.interval);
    inherit(own.timeout, theirs.timeout);
    inherit(own.start_period, theirs.start_period);
    inherit(own.start_interval, theirs.start_interval);
    inherit(own.retries, theirs.retries);
}

}  // namespace

void merge_image_config(Config& config, const oci::ExecutionConfig& image) {
    if (config.user.empty()) config.user = image.user;
    if (config.working_dir.empty()) config.working_dir = image.working_dir;
    if (config.stop_signal.empty()) config.stop_signal = image.stop_signal;
    if (!config.stop_timeout) config.stop_timeout = image.stop_timeout;
    if (config.shell.empty()) config.shell = image.shell;
    config.exposed_ports.insert(image.exposed_ports.begin(), image.exposed_ports.end());
    config.volumes.insert(image.volumes.begin(), image.volumes.end());
    config.labels.insert(image.labels.begin(), image.labels.end());
    merge_command(config, image);
    merge_variables(config, image);
    merge_health_check(config, image);
}

}  // namespace brig::engine
