// See prune.h.
#include "cli/prune.h"

#include "cli/filters.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/units.h"

namespace brig::cli {
namespace {

Json ask(client::Client& engine, const std::string& path, const FilterWords& filters) {
    client::Query query;
    if (!filters.empty()) query.add("filters", filters_parameter(filters));
    return parse_json(engine.call("POST", path + query.str()).body);
}

std::int64_t tell(const Json& answer, const char* field, const char* title) {
    const Json& deleted = at_path(answer, field);
    if (!deleted.empty()) {
        print_line(title);
        for (const Json& name : deleted) print_line(name.get<std::string>());
        print_line("");
    }
    return number_of(answer, "SpaceReclaimed");
}

}  // namespace

std::int64_t prune_containers(client::Client& engine, const FilterWords& filters) {
    return tell(ask(engine, "/containers/prune", filters), "ContainersDeleted",
                "Deleted Containers:");
}

std::int64_t prune_networks(client::Client& engine, const FilterWords& filters) {
    return tell(ask(engine, "/networks/prune", filters), "NetworksDeleted", "Deleted Networks:");
}

std::int64_t prune_volumes(client::Client& engine, FilterWords filters, bool all) {
    if (all) filters.emplace_back("all=1");
    return tell(ask(engine, "/volumes/prune", filters), "VolumesDeleted", "Deleted Volumes:");
}

std::int64_t prune_images(client::Client& engine, FilterWords filters, bool all) {
    filters.emplace_back(all ? "dangling=0" : "dangling=1");
    const Json answer = ask(engine, "/images/prune", filters);
    const Json& deleted = at_path(answer, "ImagesDeleted");
    if (!deleted.empty()) {
        print_line("Deleted Images:");
        for (const Json& item : deleted) {
            if (const auto name = text_of(item, "Untagged"); !name.empty())
                print_line("untagged: " + name);
            if (const auto id = text_of(item, "Deleted"); !id.empty()) print_line("deleted: " + id);
        }
        print_line("");
    }
    return number_of(answer, "SpaceReclaimed");
}

std::int64_t prune_build_cache(client::Client& engine, bool all) {
    const auto query = client::Query().flag("all", all).str();
    return tell(parse_json(engine.call("POST", "/build/prune" + query).body), "CachesDeleted",
                "Deleted build cache objects:");
}

void print_reclaimed(std::int64_t bytes) {
    print_line("Total reclaimed space: " + human_size(static_cast<double>(bytes)));
}

}  // namespace brig::cli
