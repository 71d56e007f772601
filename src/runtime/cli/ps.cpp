// brig-runtime ps: the processes of a container, as numbers or as the lines of the host's ps.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "base/strings.h"
#include "os/run_program.h"
#include "os/sandbox.h"
#include "runtime/cli/command.h"

namespace brig::runtime {
namespace {

constexpr std::array options{Option{"format", "f", "FORMAT", "table (default) or json"}};

/// What ps(1) prints with these options.
std::string ps_output(std::vector<std::string> words) {
    words.insert(words.begin(), "ps");
    auto result = os::run_program({.words = words});
    if (!result.succeeded) throw Error(ErrorKind::internal, "{} failed", join(words, " "));
    return std::move(result.output);
}

std::vector<std::string> fields(const std::string& line) {
    std::istringstream in(line);
    return {std::istream_iterator<std::string>(in), {}};
}

/// The title, and those lines whose column PID holds one of `pids`.
std::string lines_of(const std::string& output, const std::vector<pid_t>& pids) {
    const auto lines = split(output, '\n');
    const auto titles = fields(lines.front());
    const auto column = std::ranges::find(titles, "PID") - titles.begin();
    if (column == std::ssize(titles))
        throw Error(ErrorKind::invalid_argument, "these options of ps show no column PID");
    std::string out = lines.front() + "\n";
    for (const std::string& line : lines) {
        const auto values = fields(line);
        if (column >= std::ssize(values)) continue;
        const auto pid = parse_int<pid_t>(values[static_cast<std::size_t>(column)]);
        if (pid && std::ranges::find(pids, *pid) != pids.end()) out += line + "\n";
    }
    return out;
}

int run(Context& context, const Arguments& arguments) {
    const std::string format = arguments.value("format").value_or("table");
    const auto& words = arguments.words();
    const auto pids = context.runtime.processes(words.front());
    if (format == "json") {
        print(nlohmann::json(pids).dump() + "\n");
        return 0;
    }
    if (format != "table")
        throw Error(ErrorKind::invalid_argument, "invalid format {:?}: want table or json", format);
    std::vector<std::string> ps_words(words.begin() + 1, words.end());
    // A jail's processes are told by BSD's ps, which has other options.
    if (ps_words.empty())
        ps_words = {os::sandbox_kind() == os::SandboxKind::jail ? "-axuww" : "-ef"};
    print(lines_of(ps_output(std::move(ps_words)), pids));
    return 0;
}

}  // namespace

constinit const Command ps_command{.name = "ps",
                                   .usage = "CONTAINER [OPTIONS OF PS...]",
                                   .summary = "list the processes of a container",
                                   .options = options,
                                   .words = {1, any_words.most},
                                   .placement = Placement::before_words,
                                   .run = run};

}  // namespace brig::runtime
