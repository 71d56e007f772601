// brig system df: what the engine uses of the disk, in four lines or, with -v, thing by thing.
#include <algorithm>

#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "cli/units.h"

namespace brig::cli {
namespace {

struct Usage {
    std::string type;
    std::size_t total = 0;
    std::size_t active = 0;
    std::int64_t size = 0;
    std::int64_t reclaimable = 0;
};

Json usage_row(const Usage& usage) {
    std::string reclaimable = human_size(static_cast<double>(usage.reclaimable));
    if (usage.size > 0) reclaimable += fmt::format(" ({}%)", usage.reclaimable * 100 / usage.size);
    return {{"Active", std::to_string(usage.active)},
            {"Reclaimable", reclaimable},
            {"Size", human_size(static_cast<double>(usage.size))},
            {"TotalCount", std::to_string(usage.total)},
            {"Type", usage.type}};
}

template <typename Size, typename Active>
Usage sum_up(std::string type, const Json& items, Size size_of, Active is_active) {
    Usage usage{.type = std::move(type), .total = items.size()};
    for (const Json& item : items) {
        usage.size += size_of(item);
        if (is_active(item))
            ++usage.active;
        else
            usage.reclaimable += size_of(item);
    }
    return usage;
}

const Json& usage_of(const Json& volume) { return at_path(volume, "UsageData"); }

/// One that is to go on, whether it does just now or not.
bool is_active(const Json& container) {
    const auto state = text_of(container, "State");
    return state == "running" || state == "paused" || state == "restarting";
}

Listing summary(const Json& answer) {
    const auto size = [](const Json& item) { return number_of(item, "Size"); };
    Usage images = sum_up(
        "Images", at_path(answer, "Images"),
        [&](const Json& image) { return size(image) - number_of(image, "SharedSize"); },
        [](const Json& image) { return number_of(image, "Containers") > 0; });
    // Shared layers count once, and are set free only when the last image goes.
    const auto used = images.size - images.reclaimable;
    images.size = number_of(answer, "LayersSize", images.size);
    images.reclaimable = images.size - used;
    const Usage containers = sum_up(
        "Containers", at_path(answer, "Containers"),
        [](const Json& item) { return number_of(item, "SizeRw"); }, is_active);
    const Usage volumes = sum_up(
        "Local Volumes", at_path(answer, "Volumes"),
        [&](const Json& item) { return number_of(usage_of(item), "Size"); },
        [&](const Json& item) { return number_of(usage_of(item), "RefCount") > 0; });
    const Usage cache = sum_up("Build Cache", at_path(answer, "BuildCache"), size,
                               [](const Json& item) { return truth_of(item, "InUse"); });
    return {
        .titles = {{"Type", "TYPE"},
                   {"TotalCount", "TOTAL"},
                   {"Active", "ACTIVE"},
                   {"Size", "SIZE"},
                   {"Reclaimable", "RECLAIMABLE"}},
        .columns = "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}",
        .rows = {usage_row(images), usage_row(containers), usage_row(volumes), usage_row(cache)}};
}

Listing images_in_full(const Json& answer, bool whole) {
    Listing out{.titles = image_titles(),
                .columns =
                    "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t"
                    "{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}"};
    for (const Json& image : at_path(answer, "Images")) {
        Json row = image_row(image, names_of_image(image, false).front(), whole);
        row["Digest"] = "";  // as in docker: a row is an image here, no name of one
        out.rows.push_back(std::move(row));
    }
    return out;
}

Listing containers_in_full(const Json& answer, bool whole) {
    Listing out{.titles = container_titles(),
                .columns =
                    "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t"
                    "{{.RunningFor}}\t{{.Status}}\t{{.Names}}"};
    for (Json container : at_path(answer, "Containers")) {
        container.erase("SizeRootFs");  // docker shows what is the container's own
        out.rows.push_back(container_row(container, whole));
    }
    return out;
}

Listing volumes_in_full(const Json& answer) {
    Listing out{.titles = volume_titles(), .columns = "{{.Name}}\t{{.Links}}\t{{.Size}}"};
    for (const Json& volume : at_path(answer, "Volumes")) {
        const auto bytes = static_cast<double>(number_of(usage_of(volume), "Size"));
        Json row = volume_row(volume);
        row["Links"] = std::to_string(number_of(usage_of(volume), "RefCount"));
        row["Size"] = human_size(bytes);
        out.rows.push_back(std::move(row));
    }
    return out;
}

void print_in_full(const Json& answer, const std::string& format) {
    const bool as_table = format.empty() || format == "table";
    const Listing images = images_in_full(answer, !as_table);
    const Listing containers = containers_in_full(answer, !as_table);
    const Listing volumes = volumes_in_full(answer);
    if (!as_table) {
        print_line(format_value({{"Images", images.rows},
                                 {"Containers", containers.rows},
                                 {"Volumes", volumes.rows},
                                 {"BuildCache", Json::array()}},
                                format == "json" ? "{{json .}}" : format));
        return;
    }
    print_line("Images space usage:\n");
    print_listing(images, "");
    print_line("\nContainers space usage:\n");
    print_listing(containers, "");
    print_line("\nLocal Volumes space usage:\n");
    print_listing(volumes, "");
    // Cached steps are images: they are in the first list.
    print_line("\nBuild cache usage: 0B\n");
    print_line("CACHE ID   CACHE TYPE   SIZE      CREATED   LAST USED   USAGE     SHARED");
}

}  // namespace

int system_df(Invocation& in) {
    std::string format;
    bool verbose = false;
    in.flags.text("format", format, "table, json, or a Go template");
    in.flags.toggle("verbose,v", verbose, "List images, containers and volumes one by one");
    in.parse();
    const Json answer = parse_json(in.engine().call("GET", "/system/df").body);
    if (verbose) {
        print_in_full(answer, format);
    } else {
        print_listing(summary(answer), format);
    }
    return 0;
}

}  // namespace brig::cli
