// brig ps.
#include <algorithm>

#include "base/strings.h"
#include "cli/commands.h"
#include "cli/container_ports.h"
#include "cli/filters.h"
#include "cli/go_template.h"
#include "cli/listing.h"
#include "cli/output.h"
#include "cli/units.h"

namespace brig::cli {
namespace {

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

Json row_of(const Json& container, bool whole) {
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
            {"Ports", displayed_ports(at_path(container, "Ports"))},
            {"RunningFor", ago(created)},
            {"Size", size_of(container)},
            {"State", text_of(container, "State")},
            {"Status", text_of(container, "Status")},
            {label_lookup_key, at_path(container, "Labels")}};
}

Json titles() {
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
            {"Networks", "NETWORKS"}};
}

}  // namespace

int ps(Invocation& in) {
    bool all = false;
    bool latest = false;
    bool whole = false;
    bool quiet = false;
    bool size = false;
    std::optional<std::int64_t> last;
    std::vector<std::string> filters;
    std::string format;
    in.flags.toggle("all,a", all, "Show stopped containers, too");
    in.flags.toggle("latest,l", latest, "Show the container created last, in any state");
    in.flags.number("last,n", last, "Show the last N created, in any state");
    in.flags.toggle("no-trunc", whole, "Do not shorten anything");
    in.flags.toggle("quiet,q", quiet, "Print IDs only");
    in.flags.toggle("size,s", size, "Show sizes");
    in.flags.list("filter,f", filters, "Only those that match (status=…, name=…, label=…)");
    in.flags.text("format", format, "table, json, or a Go template");
    in.parse();
    if (latest) last = 1;
    client::Query query;
    query.flag("all", all).flag("size", size || format.find(".Size") != std::string::npos);
    if (last && *last > 0) query.add("limit", std::to_string(*last));
    if (!filters.empty()) query.add("filters", filters_parameter(filters));
    const Json containers =
        parse_json(in.engine().call("GET", "/containers/json" + query.str()).body);
    if (quiet) format = "{{.ID}}";
    Listing listing{.titles = titles(),
                    .columns = size ? "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{."
                                      "Status}}\t{{.Ports}}\t{{.Names}}\t{{.Size}}"
                                    : "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{."
                                      "Status}}\t{{.Ports}}\t{{.Names}}"};
    for (const Json& container : containers) listing.rows.push_back(row_of(container, whole));
    print_listing(listing, format);
    return 0;
}

}  // namespace brig::cli
