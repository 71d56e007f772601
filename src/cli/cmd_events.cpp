// brig events.
#include <algorithm>

#include "base/strings.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/filters.h"
#include "cli/go_template.h"
#include "cli/listing.h"
#include "cli/output.h"

namespace brig::cli {
namespace {

std::string line_of(const Json& event) {
    const std::int64_t nanoseconds =
        number_of(event, "timeNano", number_of(event, "time") * 1000000000);
    std::vector<std::string> attributes;
    const Json& actor = at_path(event, "Actor");
    for (const auto& [key, value] : at_path(actor, "Attributes").items()) {
        attributes.push_back(key + "=" +
                             (value.is_string() ? value.get<std::string>() : value.dump()));
    }
    std::ranges::sort(attributes);
    std::string line =
        fmt::format("{} {} {} {}", format_rfc3339(Instant(std::chrono::nanoseconds(nanoseconds))),
                    text_of(event, "Type"), text_of(event, "Action"), text_of(actor, "ID"));
    if (!attributes.empty()) line += " (" + join(attributes, ", ") + ")";
    return line;
}

}  // namespace

int events(Invocation& in) {
    std::string since, until, format;
    std::vector<std::string> filters;
    declare_filters(in.flags, "filter,f", filters,
                    "Only those that match (type=…, event=…, container=…)");
    in.flags.text("format", format, "json, or a Go template");
    in.flags.text("since", since, "Begin with events of the past since this time");
    in.flags.text("until", until, "End at this time");
    in.parse();
    client::Query query;
    if (!since.empty()) query.add("since", timestamp_parameter(since));
    if (!until.empty()) query.add("until", timestamp_parameter(until));
    if (!filters.empty()) query.add("filters", filters_parameter(filters));
    client::Exchange exchange = in.engine().begin("GET", "/events" + query.str());
    exchange.each_line([&](std::string_view line) {
        const Json event = parse_json(line);
        print_line(format.empty() ? line_of(event) : format_value(event, format));
        flush_output();
    });
    return 0;
}

}  // namespace brig::cli
