// brig ps.
#include "cli/commands.h"
#include "cli/filters.h"
#include "cli/listing.h"
#include "cli/rows.h"

namespace brig::cli {
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
    declare_filters(in.flags, "filter,f", filters,
                    "Only those that match (status=…, name=…, label=…)");
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
    Listing listing{.titles = container_titles(),
                    .columns = size ? "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{."
                                      "Status}}\t{{.Ports}}\t{{.Names}}\t{{.Size}}"
                                    : "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{."
                                      "Status}}\t{{.Ports}}\t{{.Names}}"};
    for (const Json& container : containers)
        listing.rows.push_back(container_row(container, whole));
    print_listing(listing, format);
    return 0;
}

}  // namespace brig::cli
