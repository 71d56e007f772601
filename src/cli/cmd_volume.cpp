// brig volume create, ls, rm, prune.
#include "base/strings.h"
#include "cli/commands.h"
#include "cli/filters.h"
#include "cli/listing.h"
#include "cli/output.h"
#include "cli/prune.h"
#include "cli/rows.h"

namespace brig::cli {
namespace {

Json as_map(const std::vector<std::string>& pairs) {
    Json map = Json::object();
    for (const auto& pair : pairs) {
        const auto [key, value] = split_once(pair, '=');
        map[key] = value.value_or("");
    }
    return map;
}

}  // namespace

int volume_create(Invocation& in) {
    std::string driver = "local";
    std::string name;
    std::vector<std::string> labels, options;
    in.flags.text("driver,d", driver, "Volume driver").shows_default("\"local\"");
    in.flags.text("name", name, "Name of the volume").hide();
    in.flags.list("label", labels, "Set a label");
    in.flags.list("opt,o", options, "Option of the driver");
    const auto words = in.parse();
    if (!words.empty() && !name.empty()) {
        throw Failure(1,
                      "conflicting options: cannot specify a volume-name through both --name and "
                      "as a positional arg");
    }
    Json body = {{"Name", words.empty() ? name : words[0]}, {"Driver", driver}};
    if (!labels.empty()) body["Labels"] = as_map(labels);
    if (!options.empty()) body["DriverOpts"] = as_map(options);
    print_line(
        text_of(parse_json(in.engine().call("POST", "/volumes/create", body.dump()).body), "Name"));
    return 0;
}

int volume_list(Invocation& in) {
    bool quiet = false;
    std::vector<std::string> filters;
    std::string format;
    in.flags.toggle("quiet,q", quiet, "Print names only");
    declare_filters(in.flags, "filter,f", filters,
                    "Only those that match (dangling=true, name=…, label=…)");
    in.flags.text("format", format, "table, json, or a Go template");
    in.parse();
    client::Query query;
    if (!filters.empty()) query.add("filters", filters_parameter(filters));
    const Json answer = parse_json(in.engine().call("GET", "/volumes" + query.str()).body);
    Listing listing{.titles = volume_titles(), .columns = "{{.Driver}}\t{{.Name}}"};
    if (quiet) format = "{{.Name}}";
    for (const Json& volume : at_path(answer, "Volumes"))
        listing.rows.push_back(volume_row(volume));
    print_listing(listing, format);
    return 0;
}

int volume_rm(Invocation& in) {
    bool force = false;
    in.flags.toggle("force,f", force, "No complaint about volumes that are not there");
    const auto names = in.parse();
    const auto query = client::Query().flag("force", force).str();
    return for_each_name(names, [&](const std::string& name) {
        in.engine().call("DELETE", "/volumes/" + client::encode(name) + query);
        print_line(name);
    });
}

int volume_prune(Invocation& in) {
    bool all = false;
    bool force = false;
    std::vector<std::string> filters;
    in.flags.toggle("all,a", all, "Remove named volumes, too");
    in.flags.toggle("force,f", force, "Do not ask");
    declare_filters(in.flags, "filter", filters, "Only those that match (label=…)");
    in.parse();
    const std::string which = all ? "all local volumes" : "anonymous local volumes";
    if (!force &&
        !confirm(fmt::format("WARNING! This will remove {} not used by at least one container.\n"
                             "Are you sure you want to continue?",
                             which))) {
        return 0;
    }
    print_reclaimed(prune_volumes(in.engine(), filters, all));
    return 0;
}

}  // namespace brig::cli
