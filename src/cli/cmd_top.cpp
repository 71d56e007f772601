// brig top, brig port: what goes on inside one container.
#include <algorithm>

#include "base/strings.h"
#include "cli/attach_session.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/output.h"

namespace brig::cli {
namespace {

std::string tabbed(const Json& cells) {
    std::vector<std::string> texts;
    for (const Json& cell : cells)
        texts.push_back(cell.is_string() ? cell.get<std::string>() : cell.dump());
    return join(texts, "\t") + "\n";
}

std::string host_address(const Json& binding) {
    const std::string ip = text_of(binding, "HostIp");
    const std::string port = text_of(binding, "HostPort");
    return ip.find(':') == std::string::npos ? ip + ":" + port : "[" + ip + "]:" + port;
}

}  // namespace

int top(Invocation& in) {
    const auto words = in.parse();
    client::Query query;
    if (words.size() > 1) query.add("ps_args", join({words.begin() + 1, words.end()}, " "));
    const Json answer =
        parse_json(in.engine().call("GET", container_path(words[0], "top") + query.str()).body);
    std::string table = tabbed(at_path(answer, "Titles"));
    for (const Json& process : at_path(answer, "Processes")) table += tabbed(process);
    print(align_columns(table, 20, 3));
    return 0;
}

int port(Invocation& in) {
    const auto words = in.parse();
    const Json container =
        parse_json(in.engine().call("GET", container_path(words[0], "json")).body);
    const Json& ports = at_path(container, "NetworkSettings", "Ports");
    if (words.size() > 1) {
        const std::string wanted =
            words[1].find('/') == std::string::npos ? words[1] + "/tcp" : words[1];
        const Json& bindings = at_path(ports, wanted.c_str());
        if (bindings.empty()) {
            throw Failure(
                1, fmt::format("Error: No public port '{}' published for {}", words[1], words[0]));
        }
        for (const Json& binding : bindings) print_line(host_address(binding));
        return 0;
    }
    std::vector<std::string> lines;
    for (const auto& [inside, bindings] : ports.items()) {
        for (const Json& binding : bindings)
            lines.push_back(inside + " -> " + host_address(binding));
    }
    std::ranges::sort(lines);
    for (const auto& line : lines) print_line(line);
    return 0;
}

}  // namespace brig::cli
