// Images, volumes and networks as far as containers use them: who is in the way of a removal, and
// docker's JSON of volumes and networks.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/strings.h"
#include "engine/filters.h"
#include "engine/impl.h"
#include "engine/json_fields.h"
#include "network/inspect.h"
#include "network/network.h"
#include "volume/store.h"

namespace brig::engine {

using nlohmann::json;

namespace {

json volume_json(const volume::Volume& volume) {
    json labels = volume.labels.empty() && volume.anonymous
                      ? json{{"com.docker.volume.anonymous", ""}}
                      : json(volume.labels);
    return {
        {"Name", volume.name},
        {"Driver", volume.driver},
        {"Mountpoint", volume.mountpoint.string()},
        {"CreatedAt", format_rfc3339(volume.created)},
        {"Labels", volume.labels.empty() && !volume.anonymous ? json(nullptr) : std::move(labels)},
        {"Options", volume.options.empty() ? json(nullptr) : json(volume.options)},
        {"Scope", "local"}};
}

/// Containers by the volumes they have.
std::map<std::string, Strings> users_of_volumes(const ContainerTable& table) {
    std::map<std::string, Strings> out;
    for (const auto& container : table.all()) {
        for (const auto& mount : container->snapshot().mounts) {
            if (mount.type == "volume") out[mount.name].push_back(container->id);
        }
    }
    return out;
}

json removals_json(const std::vector<image::Removal>& removals) {
    json out = json::array();
    for (const auto& removal : removals) {
        if (!removal.untagged.empty()) out.push_back({{"Untagged", removal.untagged}});
        if (!removal.deleted.empty()) out.push_back({{"Deleted", removal.deleted}});
    }
    return out;
}

void publish_removals(EventBus& bus, const std::vector<image::Removal>& removals) {
    for (const auto& removal : removals) {
        const bool deleted = !removal.deleted.empty();
        const auto& name = deleted ? removal.deleted : removal.untagged;
        bus.publish({"image", deleted ? "delete" : "untag", name, {{"name", name}}});
    }
}

}  // namespace

std::vector<image::ImageUser> Engine::Impl::image_users() {
    std::vector<image::ImageUser> users;
    for (const auto& container : table.all()) {
        const Record record = container->snapshot();
        users.push_back({record.id, Digest::parse(record.image_id), record.config.image,
                         record.state.running()});
    }
    return users;
}

image::Store& Engine::images() { return *impl_->parts.images; }

json Engine::image_remove(const std::string& ref, bool force, bool no_prune) {
    const auto removed = images().remove(ref, {force, !no_prune, impl_->image_users()});
    publish_removals(impl_->bus, removed);
    return removals_json(removed);
}

json Engine::image_prune(const Filters& filters) {
    allow_only(filters, {"dangling", "until", "label", "label!"});
    const bool all = !truth_of(filters, "dangling").value_or(true);
    const auto until = until_of(filters);
    const auto pruned = images().prune(all, impl_->image_users(), [&](const image::Image& image) {
        const bool old_enough = !until || (image.config.created && *image.config.created < *until);
        return old_enough && matches_labels(image.config.config.labels, filters);
    });
    publish_removals(impl_->bus, pruned.removed);
    return {{"ImagesDeleted", removals_json(pruned.removed)}, {"SpaceReclaimed", pruned.bytes}};
}

std::map<std::string, int> Engine::image_users() {
    std::map<std::string, int> out;
    for (const auto& container : impl_->table.all()) ++out[container->snapshot().image_id];
    return out;
}

json Engine::volume_create(const json& body) {
    volume::CreateRequest request;
    field(body, "Name", request.name);
    field(body, "Driver", request.driver);
    field(body, "Labels", request.labels);
    field(body, "DriverOpts", request.options);
    if (request.driver.empty()) request.driver = "local";
    const auto volume = impl_->parts.volumes->create(request);
    impl_->bus.publish({"volume", "create", volume.name, {{"driver", volume.driver}}});
    return volume_json(volume);
}

json Engine::volume_list(const Filters& filters) {
    const auto users = users_of_volumes(impl_->table);
    const auto wanted = truth_of(filters, "dangling");
    json list = json::array();
    for (const auto& volume : impl_->parts.volumes->list()) {
        const bool dangling = !users.contains(volume.name);
        if (!passes(filters, "name",
                    [&](const auto& v) { return volume.name.find(v) != std::string::npos; }) ||
            !passes(filters, "driver", [&](const auto& v) { return volume.driver == v; }) ||
            dangling != wanted.value_or(dangling) || !matches_labels(volume.labels, filters)) {
            continue;
        }
        list.push_back(volume_json(volume));
    }
    return {{"Volumes", std::move(list)}, {"Warnings", nullptr}};
}

json Engine::volume_inspect(const std::string& name) {
    return volume_json(impl_->parts.volumes->inspect(name));
}

void Engine::volume_remove(const std::string& name, bool force) {
    const auto users = users_of_volumes(impl_->table);
    if (const auto used = users.find(name); used != users.end()) {
        throw Error(ErrorKind::conflict, "remove {}: volume is in use - [{}]", name,
                    join(used->second, ", "));
    }
    try {
        impl_->parts.volumes->remove(name);
    } catch (const Error& e) {
        if (force && e.kind() == ErrorKind::not_found) return;
        throw;
    }
    impl_->bus.publish({"volume", "destroy", name, {{"driver", "local"}}});
}

json Engine::volume_prune(const Filters& filters) {
    allow_only(filters, {"all", "label", "label!"});
    const bool all = truth_of(filters, "all").value_or(false);
    const auto users = users_of_volumes(impl_->table);
    json deleted = json::array();
    std::uint64_t bytes = 0;
    for (const auto& volume : impl_->parts.volumes->list()) {
        if (users.contains(volume.name) || (!all && !volume.anonymous)) continue;
        if (!matches_labels(volume.labels, filters)) continue;
        try {
            const auto size = impl_->parts.volumes->usage(volume.name);
            volume_remove(volume.name, true);
            bytes += size;
            deleted.push_back(volume.name);
        } catch (const Error& e) {
            log::warn("pruning volume {}: {}", volume.name, e.message());
        }
    }
    return {{"VolumesDeleted", std::move(deleted)}, {"SpaceReclaimed", bytes}};
}

json Engine::network_list(const Filters& filters) {
    json out = json::array();
    if (!impl_->parts.networks) return out;
    // The predefined ones count as used.
    if (truth_of(filters, "dangling").value_or(false)) return out;
    for (const auto& network : impl_->parts.networks->list()) {
        if (!passes(filters, "name",
                    [&](const auto& v) { return network.name.find(v) != std::string::npos; }) ||
            !passes(filters, "id", [&](const auto& v) { return network.id.starts_with(v); }) ||
            !passes(filters, "driver", [&](const auto& v) { return network.driver == v; }) ||
            !passes(filters, "type", [&](const auto& v) { return v == "builtin"; }) ||
            !matches_labels({}, filters)) {
            continue;
        }
        out.push_back(network::network_json(network));
    }
    return out;
}

json Engine::network_inspect(const std::string& ref) {
    if (!impl_->parts.networks) throw Error(ErrorKind::not_found, "network {} not found", ref);
    return network::network_json(impl_->parts.networks->inspect(ref));
}

}  // namespace brig::engine
