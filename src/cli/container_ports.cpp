// See container_ports.h.
#include "cli/container_ports.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "base/strings.h"

namespace brig::cli {
namespace {

struct Port {
    std::int64_t inside, outside;
    std::string ip, type;
    auto key() const { return std::tie(inside, ip, outside, type); }
};

/// Consecutive ports of one address and protocol that are published under their own number.
struct Run {
    std::string ip, type;
    std::int64_t first, last;
};

std::string host_part(const std::string& ip, const std::string& port) {
    return ip.find(':') == std::string::npos ? ip + ":" + port : "[" + ip + "]:" + port;
}

std::string text_of_run(const Run& run) {
    const std::string range = run.first == run.last ? std::to_string(run.first)
                                                    : fmt::format("{}-{}", run.first, run.last);
    if (run.ip.empty()) return range + "/" + run.type;
    return fmt::format("{}->{}/{}", host_part(run.ip, range), range, run.type);
}

std::vector<Port> sorted_ports(const Json& json) {
    std::vector<Port> ports;
    for (const Json& port : json) {
        ports.push_back({number_of(port, "PrivatePort"), number_of(port, "PublicPort"),
                         text_of(port, "IP"), text_of(port, "Type", "tcp")});
    }
    std::ranges::sort(ports, [](const Port& a, const Port& b) { return a.key() < b.key(); });
    return ports;
}

}  // namespace

std::string displayed_ports(const Json& json) {
    std::vector<Run> runs;  // the last one of an address and protocol may still grow
    std::vector<std::string> moved;
    for (const Port& port : sorted_ports(json)) {
        if (!port.ip.empty() && port.outside != port.inside) {
            moved.push_back(fmt::format("{}->{}/{}",
                                        host_part(port.ip, std::to_string(port.outside)),
                                        port.inside, port.type));
            continue;
        }
        const auto same = [&](const Run& run) {
            return run.ip == port.ip && run.type == port.type;
        };
        const auto it = std::find_if(runs.rbegin(), runs.rend(), same);
        if (it != runs.rend() && port.inside <= it->last + 1)
            it->last = std::max(it->last, port.inside);
        else
            runs.push_back({port.ip, port.type, port.inside, port.inside});
    }
    std::vector<std::string> texts;
    for (const Run& run : runs) texts.push_back(text_of_run(run));
    texts.insert(texts.end(), moved.begin(), moved.end());
    return join(texts, ", ");
}

}  // namespace brig::cli
