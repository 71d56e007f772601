// brig-runtime list: all containers of one root.
#include <algorithm>
#include <array>
#include <filesystem>

#include "base/error.h"
#include "base/time.h"
#include "runtime/cli/container_json.h"

namespace brig::runtime {
namespace {

constexpr std::array options{Option{"format", "f", "FORMAT", "table (default) or json"},
                             Option{"quiet", "q", "", "print the ids alone"}};

using Row = std::array<std::string, 6>;

std::string table(const std::vector<Row>& rows) {
    std::array<std::size_t, 6> widths;
    widths.fill(12);
    for (const Row& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i)
            widths.at(i) = std::max(widths.at(i), row.at(i).size() + 3);
    }
    std::string out;
    for (const Row& row : rows) {
        for (std::size_t i = 0; i + 1 < row.size(); ++i)
            out += fmt::format("{:<{}}", row.at(i), widths.at(i));
        out += row.back() + "\n";
    }
    return out;
}

Row row_of(const Context& context, const State& state) {
    return {state.id,
            std::to_string(state.pid),
            std::string(to_string(state.status)),
            state.bundle.string(),
            format_rfc3339(state.created),
            owner_of(context, state.id)};
}

int run(Context& context, const Arguments& arguments) {
    const std::string format = arguments.value("format").value_or("table");
    if (format != "table" && format != "json")
        throw Error(ErrorKind::invalid_argument, "invalid format {:?}: want table or json", format);
    if (context.root_is_given && !std::filesystem::is_directory(context.root))
        throw Error(ErrorKind::not_found, "--root {}: no such directory", context.root);
    const auto states = context.runtime.list();
    if (arguments.has("quiet")) {
        for (const State& state : states) print(state.id + "\n");
    } else if (format == "json") {
        auto out = nlohmann::ordered_json::array();
        for (const State& state : states) out.push_back(container_json(context, state));
        print((states.empty() ? "null" : out.dump()) + "\n");  // as runc says "none"
    } else {
        std::vector<Row> rows{{"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"}};
        for (const State& state : states) rows.push_back(row_of(context, state));
        print(table(rows));
    }
    return 0;
}

}  // namespace

constinit const Command list_command{.name = "list",
                                     .usage = "",
                                     .summary = "list the containers of --root",
                                     .options = options,
                                     .words = {0, 0},
                                     .run = run};

}  // namespace brig::runtime
