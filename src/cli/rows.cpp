// See rows.h.
#include "cli/rows.h"

#include <algorithm>

#include "base/error.h"
#include "base/strings.h"
#include "cli/container_ports.h"
#include "cli/go_template.h"
#include "cli/listing.h"
#include "cli/units.h"

namespace brig::cli {
namespace {

constexpr const char* none = "<none>";

std::string names_of(const Json& container, bool whole) {
    std::vector<std::string> names;
    for (const Json& json : at_path(container, "Names")) {
        const std::string name = json.get<std::string>().substr(1);
        if (whole || name.find('/') == std::string::npos)
            names.push_back(name);  // others are links
    }
    return join(names, ",");
}

std::string image_of(const Json& container, bool whole) {
    const std::string image = text_of(container, "Image");
    if (image.empty()) return "<no image>";
    const bool is_id = image.starts_with("sha256:");
    return is_id ? short_id(image, whole) : image;
}

std::string command_of(const Json& container, bool whole) {
    const std::string command = text_of(container, "Command");
    return Json(whole ? command : ellipsis(command, 20)).dump();
}

std::string mounts_of(const Json& container, bool whole) {
    std::vector<std::string> names;
    for (const Json& mount : at_path(container, "Mounts")) {
        const std::string name = text_of(mount, "Name", text_of(mount, "Source"));
        names.push_back(whole ? name : ellipsis(name, 15));
    }
    return join(names, ",");
}

std::int64_t local_volumes(const Json& container) {
    const Json& mounts = at_path(container, "Mounts");
    return std::ranges::count_if(
        mounts, [](const Json& mount) { return text_of(mount, "Driver") == "local"; });
}

std::string networks_of(const Json& container) {
    std::vector<std::string> names;
    for (const auto& [name, ignored] : at_path(container, "NetworkSettings", "Networks").items())
        names.push_back(name);
    return join(names, ",");
}

std::string size_of(const Json& container) {
    const auto own = static_cast<double>(number_of(container, "SizeRw"));
    const auto all = static_cast<double>(number_of(container, "SizeRootFs"));
    std::string text = human_size(own, 3);
    if (all > 0) text += fmt::format(" (virtual {})", human_size(all, 3));
    return text;
}

}  // namespace

Json container_row(const Json& container, bool whole) {
    const std::int64_t created = number_of(container, "Created");
    return {{"Command", command_of(container, whole)},
            {"CreatedAt", go_time(created)},
            {"ID", short_id(text_of(container, "Id"), whole)},
            {"Image", image_of(container, whole)},
            {"Labels", joined_labels(at_path(container, "Labels"))},
            {"LocalVolumes", std::to_string(local_volumes(container))},
            {"Mounts", mounts_of(container, whole)},
            {"Names", names_of(container, whole)},
            {"Networks", networks_of(container)},
            {"Platform", nullptr},
            {"Ports", displayed_ports(at_path(container, "Ports"))},
            {"RunningFor", ago(created)},
            {"Size", size_of(container)},
            {"State", text_of(container, "State")},
            {"Status", text_of(container, "Status")},
            {label_lookup_key, at_path(container, "Labels")}};
}

Json container_titles() {
    return {{"ID", "CONTAINER ID"},
            {"Names", "NAMES"},
            {"Image", "IMAGE"},
            {"Command", "COMMAND"},
            {"CreatedAt", "CREATED AT"},
            {"RunningFor", "CREATED"},
            {"Ports", "PORTS"},
            {"State", "STATE"},
            {"Status", "STATUS"},
            {"Size", "SIZE"},
            {"Labels", "LABELS"},
            {"Mounts", "MOUNTS"},
            {"LocalVolumes", "LOCAL VOLUMES"},
            {"Networks", "NETWORKS"},
            {"Platform", "PLATFORM"}};
}

std::vector<ImageName> names_of_image(const Json& image, bool digests) {
    std::vector<ImageName> names;
    for (const Json& json : at_path(image, "RepoTags")) {
        const std::string full = json.get<std::string>();
        const auto colon = full.rfind(':');
        if (full == "<none>:<none>" || colon == std::string::npos) continue;
        names.push_back({full.substr(0, colon), full.substr(colon + 1), none});
    }
    for (const Json& json : at_path(image, "RepoDigests")) {
        const auto [repository, digest] = split_once(json.get<std::string>(), '@');
        bool used = false;
        for (ImageName& name : names) {
            if (!digests || name.repository != repository) continue;
            name.digest = digest.value_or(none);
            used = true;
        }
        if (!used && names.empty() && repository != none)
            names.push_back({repository, none, digest.value_or(none)});
    }
    if (names.empty()) names.emplace_back();
    return names;
}

Json image_row(const Json& image, const ImageName& name, bool whole) {
    const std::int64_t created = number_of(image, "Created");
    const std::int64_t containers = number_of(image, "Containers", -1);
    const std::int64_t size = number_of(image, "Size");
    const std::int64_t shared = number_of(image, "SharedSize", -1);
    const auto known = [&](std::int64_t bytes) {
        return shared < 0 ? "N/A" : human_size(static_cast<double>(bytes));
    };
    return {{"Containers", containers < 0 ? "N/A" : std::to_string(containers)},
            {"CreatedAt", go_time(created)},
            {"CreatedSince", ago(created)},
            {"Digest", name.digest},
            {"ID", short_id(text_of(image, "Id"), whole)},
            {"Repository", name.repository},
            {"SharedSize", known(shared)},
            {"Size", human_size(static_cast<double>(size), 3)},
            {"Tag", name.tag},
            {"UniqueSize", known(size - shared)},
            {"VirtualSize", human_size(static_cast<double>(size))}};
}

Json image_titles() {
    return {{"ID", "IMAGE ID"},
            {"Repository", "REPOSITORY"},
            {"Tag", "TAG"},
            {"Digest", "DIGEST"},
            {"CreatedSince", "CREATED"},
            {"CreatedAt", "CREATED AT"},
            {"Size", "SIZE"},
            {"Containers", "CONTAINERS"},
            {"VirtualSize", "SIZE"},
            {"SharedSize", "SHARED SIZE"},
            {"UniqueSize", "UNIQUE SIZE"}};
}

Json volume_row(const Json& volume) {
    return {{"Availability", "N/A"},
            {"Driver", text_of(volume, "Driver")},
            {"Group", "N/A"},
            {"Labels", joined_labels(at_path(volume, "Labels"))},
            {"Links", "N/A"},
            {"Mountpoint", text_of(volume, "Mountpoint")},
            {"Name", text_of(volume, "Name")},
            {"Scope", text_of(volume, "Scope")},
            {"Size", "N/A"},
            {"Status", "N/A"},
            {label_lookup_key, at_path(volume, "Labels")}};
}

Json volume_titles() {
    return {{"Availability", "AVAILABILITY"},
            {"Driver", "DRIVER"},
            {"Group", "GROUP"},
            {"Labels", "LABELS"},
            {"Links", "LINKS"},
            {"Mountpoint", "MOUNTPOINT"},
            {"Name", "VOLUME NAME"},
            {"Scope", "SCOPE"},
            {"Size", "SIZE"},
            {"Status", "STATUS"}};
}

}  // namespace brig::cli
