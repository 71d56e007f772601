// search, registry ls, registry rm: what registries hold.
#include <algorithm>

#include "base/strings.h"
#include "cli/filters.h"
#include "cli/listing.h"
#include "cli/output.h"
#include "cli/registry_commands.h"
#include "cli/registry_request.h"
#include "oci/ssh_name.h"

namespace brig::cli {
namespace {

constexpr std::size_t description_width = 45;

std::vector<Json> find(client::Client& engine, const std::string& term, std::int64_t limit,
                       const std::vector<std::string>& filters = {}) {
    client::Query query;
    query.add("term", term);
    if (limit > 0) query.add("limit", std::to_string(limit));
    if (!filters.empty()) query.add("filters", filters_parameter(filters));
    // Credentials are kept by registry; any image's name in it will do.
    const auto image = oci::is_ssh_address(term) ? term : term.substr(0, term.find('/')) + "/x";
    const auto answer = registry_call(engine, {"GET", "/images/search" + query.str(), image});
    const Json found = parse_json(answer.body);
    return {found.begin(), found.end()};
}

/// A registry rather than one of its repositories: HOST, HOST/, ssh://HOST/PATH/.
bool is_registry(const std::string& text) {
    return text.ends_with('/') || text.find('/') == std::string::npos;
}

/// As search understands it: all that is there.
std::string search_term(std::string registry) {
    while (registry.ends_with('/')) registry.pop_back();
    return registry + (oci::is_ssh_address(registry) ? "//" : "/");
}

}  // namespace

int search(Invocation& in) {
    std::optional<std::int64_t> limit;
    std::vector<std::string> filters;
    bool whole = false;
    std::string format;
    declare_filters(in.flags, "filter,f", filters,
                    "Only those that match (is-official=true, stars=…)");
    in.flags.number("limit", limit, "Most results").shows_default("25");
    in.flags.toggle("no-trunc", whole, "Whole descriptions");
    in.flags.text("format", format, "table, json, or a Go template");
    const auto words = in.parse();
    // To programs docker says it in other words than to people.
    const bool as_json = format == "json" || format.find("{{json .}}") != std::string::npos;
    const auto official_word = [as_json](bool official) {
        if (as_json) return official ? "true" : "false";
        return official ? "[OK]" : "";
    };
    Listing listing{.titles = {{"Name", "NAME"},
                               {"Description", "DESCRIPTION"},
                               {"StarCount", "STARS"},
                               {"IsOfficial", "OFFICIAL"}},
                    .columns = "{{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}"};
    for (const Json& found : find(in.engine(), words[0], limit.value_or(0), filters)) {
        std::string description = text_of(found, "description");
        std::ranges::replace(description, '\n', ' ');
        if (!whole) description = ellipsis(description, description_width);
        listing.rows.push_back({{"Description", description},
                                {"IsOfficial", official_word(truth_of(found, "is_official"))},
                                {"Name", text_of(found, "name")},
                                {"StarCount", std::to_string(number_of(found, "star_count"))}});
    }
    print_listing(listing, format);
    return 0;
}

int registry_list(Invocation& in) {
    const auto words = in.parse();
    if (is_registry(words[0])) {
        constexpr std::int64_t all = 1'000'000;
        for (const Json& found : find(in.engine(), search_term(words[0]), all))
            print_line(text_of(found, "name"));
        return 0;
    }
    const auto answer =
        registry_call(in.engine(), {"GET", distribution_path(words[0]) + "/tags", words[0]});
    const Json list = parse_json(answer.body);
    for (const Json& tag : at_path(list, "tags"))
        print_line(fmt::format("{}:{}", words[0], tag.get<std::string>()));
    return 0;
}

int registry_remove(Invocation& in) {
    const auto words = in.parse();
    return for_each_name(words, [&](const std::string& name) {
        registry_call(in.engine(), {"DELETE", distribution_path(name), name});
        print_line(name);
    });
}

}  // namespace brig::cli
