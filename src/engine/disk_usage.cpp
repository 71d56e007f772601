// What images, containers and volumes use of the disk, for `system df`.
#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "engine/impl.h"
#include "image/layer_use.h"
#include "volume/store.h"

namespace brig::engine {
namespace {

using nlohmann::json;

std::int64_t unix_seconds(const std::optional<Instant>& instant) {
    return std::chrono::duration_cast<std::chrono::seconds>(
               instant.value_or(Instant{}).time_since_epoch())
        .count();
}

json image_rows(const image::Store& images, const image::LayerUse& layers,
                const std::map<std::string, int>& users) {
    json out = json::array();
    for (const auto& image : images.list()) {
        const auto used = users.find(image.id.str());
        out.push_back({{"Id", image.id.str()},
                       {"ParentId", image.parent ? image.parent->str() : ""},
                       {"RepoTags", image.tags},
                       {"RepoDigests", image.digests},
                       {"Created", unix_seconds(image.config.created)},
                       {"Size", image.size},
                       {"VirtualSize", image.size},
                       {"SharedSize", layers.shared(image)},
                       {"Labels", image.config.config.labels},
                       {"Containers", used == users.end() ? 0 : used->second}});
    }
    return out;
}

/// How many containers have each volume.
std::map<std::string, int> volume_references(const ContainerTable& table) {
    std::map<std::string, int> out;
    for (const auto& container : table.all()) {
        std::set<std::string> names;
        for (const auto& mount : container->snapshot().mounts) {
            if (mount.type == "volume") names.insert(mount.name);
        }
        for (const auto& name : names) ++out[name];
    }
    return out;
}

}  // namespace

json Engine::disk_usage(const std::set<std::string>& types) {
    for (const auto& type : types) {
        if (type != "image" && type != "container" && type != "volume" && type != "build-cache")
            throw Error(ErrorKind::invalid_argument, "unknown object type: {}", type);
    }
    const auto wanted = [&](const char* type) { return types.empty() || types.contains(type); };
    json out = json::object();
    if (wanted("image")) {
        const image::LayerUse layers(images());
        out["LayersSize"] = layers.total();
        out["Images"] = image_rows(images(), layers, image_users());
    }
    if (wanted("container")) {
        json rows = json::array();
        for (const auto& container : impl_->table.all())
            rows.push_back(impl_->summary(container->snapshot(), true));
        out["Containers"] = std::move(rows);
    }
    if (wanted("volume")) {
        auto references = volume_references(impl_->table);
        json rows = volume_list({})["Volumes"];
        for (auto& row : rows) {
            const auto name = row["Name"].get<std::string>();
            row["UsageData"] = {{"Size", impl_->parts.volumes->usage(name)},
                                {"RefCount", references[name]}};
        }
        out["Volumes"] = std::move(rows);
    }
    // Cached steps are images: what they use is counted there.
    if (wanted("build-cache")) out["BuildCache"] = json::array();
    return out;
}

}  // namespace brig::engine
