// brig images, brig history: lists about images.
#include <algorithm>

#include "base/strings.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/filters.h"
#include "cli/image_tree.h"
#include "cli/listing.h"
#include "cli/output.h"
#include "cli/rows.h"
#include "cli/units.h"

namespace brig::cli {
namespace {

struct HistoryView {
    bool human = true;
    bool whole = false;
};

Json history_row(const Json& layer, const HistoryView& view) {
    const std::int64_t created = number_of(layer, "Created");
    const std::string since = created <= 0 ? "N/A" : ago(created);
    std::string by = text_of(layer, "CreatedBy");
    std::ranges::replace(by, '\t', ' ');
    const std::string at = format_rfc3339(Instant(std::chrono::seconds(created)));
    const std::int64_t size = number_of(layer, "Size");
    return {{"Comment", text_of(layer, "Comment")},
            {"CreatedAt", at},
            {"CreatedBy", view.whole ? by : ellipsis(by, 45)},
            {"CreatedSince", view.human ? since : at},
            {"ID", short_id(text_of(layer, "Id"), view.whole)},
            {"Size", view.human ? human_size(static_cast<double>(size), 3) : std::to_string(size)}};
}

}  // namespace

int images(Invocation& in) {
    bool all = false;
    bool digests = false;
    bool whole = false;
    bool quiet = false;
    bool tree = false;
    std::vector<std::string> filters;
    std::string format;
    in.flags.toggle("all,a", all, "Show intermediate images, too");
    in.flags.toggle("digests", digests, "Show digests");
    in.flags.toggle("no-trunc", whole, "Do not shorten anything");
    in.flags.toggle("quiet,q", quiet, "Print IDs only");
    declare_filters(in.flags, "filter,f", filters,
                    "Only those that match (dangling=true, label=…, reference=…)");
    in.flags.text("format", format, "table, json, or a Go template");
    in.flags.toggle("tree", tree, "Show what each was made from, and what is its own");
    const auto names = in.parse();
    if (!names.empty()) filters.push_back("reference=" + names[0]);
    client::Query query;
    // The path from an image to its parent may lead over intermediate ones.
    query.flag("all", all || tree).flag("digests", digests);
    query.flag("shared-size", tree || format.find("SharedSize") != std::string::npos ||
                                  format.find("UniqueSize") != std::string::npos);
    if (!filters.empty()) query.add("filters", filters_parameter(filters));
    const Json images = parse_json(in.engine().call("GET", "/images/json" + query.str()).body);
    if (quiet) format = "{{.ID}}";
    if (tree) {
        print_listing(image_tree(images, {.all = all, .whole = whole}), format);
        return 0;
    }
    Listing listing{
        .titles = image_titles(),
        .columns =
            digests
                ? "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"
                : "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"};
    for (const Json& image : images) {
        for (const ImageName& name : names_of_image(image, digests))
            listing.rows.push_back(image_row(image, name, whole));
    }
    print_listing(listing, format);
    return 0;
}

int history(Invocation& in) {
    HistoryView view;
    bool quiet = false;
    std::string format;
    in.flags.toggle("human,H", view.human, "Sizes and dates for people").shows_default("true");
    in.flags.toggle("no-trunc", view.whole, "Do not shorten anything");
    in.flags.toggle("quiet,q", quiet, "Print IDs only");
    in.flags.text("format", format, "table, json, or a Go template");
    const auto names = in.parse();
    const Json layers = parse_json(
        in.engine().call("GET", "/images/" + client::encode(names[0]) + "/history").body);
    Listing listing{
        .titles = {{"ID", "IMAGE"},
                   {"CreatedSince", "CREATED"},
                   {"CreatedAt", "CREATED AT"},
                   {"CreatedBy", "CREATED BY"},
                   {"Size", "SIZE"},
                   {"Comment", "COMMENT"}},
        .columns = view.human
                       ? "{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}"
                       : "{{.ID}}\t{{.CreatedAt}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}"};
    if (quiet) format = "{{.ID}}";
    for (const Json& layer : layers) listing.rows.push_back(history_row(layer, view));
    print_listing(listing, format);
    return 0;
}

}  // namespace brig::cli
