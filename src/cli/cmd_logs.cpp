// brig logs.
#include <unistd.h>

#include "base/fd.h"
#include "cli/attach_session.h"
#include "cli/commands.h"
#include "cli/filters.h"
#include "cli/json.h"
#include "cli/multiplex.h"
#include "cli/output.h"

namespace brig::cli {
namespace {

bool is_raw(client::Client& engine, client::Exchange& exchange, const std::string& name) {
    const auto type = exchange.response().header("content-type").value_or("");
    if (type.ends_with("multiplexed-stream")) return false;
    // Before API 1.42 both kinds are called raw: only the container knows.
    const Json container = parse_json(engine.call("GET", container_path(name, "json")).body);
    return truth_of(at_path(container, "Config"), "Tty");
}

void write_to(bool err, std::string_view text) {
    if (!err) return print(text);
    flush_output();
    write_all(STDERR_FILENO, text);
}

}  // namespace

int logs(Invocation& in) {
    bool details = false;
    bool follow = false;
    bool timestamps = false;
    std::string since, until;
    std::string tail = "all";
    in.flags.toggle("details", details, "Show extra attributes of lines");
    in.flags.toggle("follow,f", follow, "Go on as the log grows");
    in.flags.toggle("timestamps,t", timestamps, "Show when each line was written");
    in.flags.text("since", since, "Only lines after a time (RFC 3339) or an age (42m)");
    in.flags.text("until", until, "Only lines before a time (RFC 3339) or an age (42m)");
    in.flags.text("tail,n", tail, "Number of lines from the end").shows_default("\"all\"");
    const auto names = in.parse();
    client::Query query;
    query.flag("follow", follow)
        .flag("stdout", true)
        .flag("stderr", true)
        .flag("timestamps", timestamps)
        .flag("details", details);
    if (!since.empty()) query.add("since", timestamp_parameter(since));
    if (!until.empty()) query.add("until", timestamp_parameter(until));
    query.add("tail", tail);
    client::Exchange exchange =
        in.engine().begin("GET", container_path(names[0], "logs") + query.str());
    const bool raw = is_raw(in.engine(), exchange, names[0]);
    Demultiplexer demultiplexer;
    for (auto piece = exchange.read(); !piece.empty(); piece = exchange.read()) {
        if (raw) {
            print(piece);
        } else {
            demultiplexer.feed(piece, write_to);
        }
        if (!exchange.has_input()) flush_output();
    }
    return 0;
}

}  // namespace brig::cli
