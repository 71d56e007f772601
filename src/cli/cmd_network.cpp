// brig network ls.
#include "base/time.h"
#include "cli/commands.h"
#include "cli/filters.h"
#include "cli/go_template.h"
#include "cli/listing.h"

namespace brig::cli {
namespace {

std::string truth_text(const Json& object, const char* key) {
    return truth_of(object, key) ? "true" : "false";
}

std::string created_text(const Json& network) {
    const auto created = parse_rfc3339(text_of(network, "Created"));
    if (!created) return "0001-01-01 00:00:00 +0000 UTC";
    return go_time(
        std::chrono::duration_cast<std::chrono::seconds>(created->time_since_epoch()).count());
}

}  // namespace

int network_list(Invocation& in) {
    bool whole = false;
    bool quiet = false;
    std::vector<std::string> filters;
    std::string format;
    in.flags.toggle("no-trunc", whole, "Do not shorten anything");
    in.flags.toggle("quiet,q", quiet, "Print IDs only");
    declare_filters(in.flags, "filter,f", filters, "Only those that match (driver=…, name=…)");
    in.flags.text("format", format, "table, json, or a Go template");
    in.parse();
    client::Query query;
    if (!filters.empty()) query.add("filters", filters_parameter(filters));
    const Json networks = parse_json(in.engine().call("GET", "/networks" + query.str()).body);
    Listing listing{.titles = {{"ID", "NETWORK ID"},
                               {"Name", "NAME"},
                               {"Driver", "DRIVER"},
                               {"Scope", "SCOPE"},
                               {"IPv4", "IPV4"},
                               {"IPv6", "IPV6"},
                               {"Internal", "INTERNAL"},
                               {"Labels", "LABELS"},
                               {"CreatedAt", "CREATED AT"}},
                    .columns = "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}"};
    if (quiet) format = "{{.ID}}";
    for (const Json& network : networks) {
        listing.rows.push_back({{"CreatedAt", created_text(network)},
                                {"Driver", text_of(network, "Driver")},
                                {"ID", short_id(text_of(network, "Id"), whole)},
                                {"IPv4", truth_text(network, "EnableIPv4")},
                                {"IPv6", truth_text(network, "EnableIPv6")},
                                {"Internal", truth_text(network, "Internal")},
                                {"Labels", joined_labels(at_path(network, "Labels"))},
                                {"Name", text_of(network, "Name")},
                                {"Scope", text_of(network, "Scope")},
                                {label_lookup_key, at_path(network, "Labels")}});
    }
    print_listing(listing, format);
    return 0;
}

}  // namespace brig::cli
