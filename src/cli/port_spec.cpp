// See port_spec.h.
#include "cli/port_spec.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>

#include "base/error.h"
#include "base/strings.h"

namespace brig::cli {
namespace {

struct Range {
    int first = 0;
    int last = 0;
    [[nodiscard]] int count() const { return last - first + 1; }
};

std::optional<int> parse_port(std::string_view text) {
    const auto port = parse_int<std::uint16_t>(text);
    if (!port) return std::nullopt;
    return *port;
}

std::optional<Range> parse_range(std::string_view text) {
    const auto [low, high] = split_once(text, '-');
    const auto first = parse_port(low);
    const auto last = high ? parse_port(*high) : first;
    if (!first || !last || *last < *first) return std::nullopt;
    return Range{*first, *last};
}

std::string checked_protocol(std::string_view text) {
    std::string protocol = text.empty() ? "tcp" : to_lower(text);
    if (protocol != "tcp" && protocol != "udp" && protocol != "sctp") {
        throw Error(ErrorKind::invalid_argument, "invalid proto: {}", text);
    }
    return protocol;
}

bool is_address(const std::string& text) {
    unsigned char storage[16];
    return ::inet_pton(AF_INET, text.c_str(), storage) == 1 ||
           ::inet_pton(AF_INET6, text.c_str(), storage) == 1;
}

struct Parts {
    std::string ip;
    std::string host;
    std::string container;
};

/// Splits from the right, so that an IPv6 address, in brackets or not, may hold colons.
Parts split_parts(std::string_view spec) {
    Parts parts;
    const auto last = spec.rfind(':');
    parts.container = spec.substr(last == std::string_view::npos ? 0 : last + 1);
    if (last == std::string_view::npos) return parts;
    const std::string_view rest = spec.substr(0, last);
    const auto middle = rest.rfind(':');
    parts.host = rest.substr(middle == std::string_view::npos ? 0 : middle + 1);
    if (middle == std::string_view::npos) return parts;
    parts.ip = rest.substr(0, middle);
    if (parts.ip.starts_with('[') && parts.ip.ends_with(']'))
        parts.ip = parts.ip.substr(1, parts.ip.size() - 2);
    if (!parts.ip.empty() && !is_address(parts.ip)) {
        throw Error(ErrorKind::invalid_argument, "invalid IP address: {}", parts.ip);
    }
    return parts;
}

}  // namespace

std::vector<PortBinding> parse_publish(std::string_view spec) {
    const auto [ports, protocol_text] = split_once(spec, '/');
    const Parts parts = split_parts(ports);
    if (parts.container.empty())
        throw Error(ErrorKind::invalid_argument, "no port specified: {}<empty>", spec);
    const auto container = parse_range(parts.container);
    if (!container)
        throw Error(ErrorKind::invalid_argument, "invalid containerPort: {}", parts.container);
    std::optional<Range> host;
    if (!parts.host.empty()) {
        host = parse_range(parts.host);
        if (!host) throw Error(ErrorKind::invalid_argument, "invalid hostPort: {}", parts.host);
    }
    const std::string protocol = checked_protocol(protocol_text.value_or(""));
    // One container port may take any free port of a range on the host.
    const bool any_of_range = host && container->count() == 1 && host->count() > 1;
    if (host && !any_of_range && host->count() != container->count()) {
        throw Error(ErrorKind::invalid_argument,
                    "invalid ranges specified for container and host Ports: {} and {}",
                    parts.container, parts.host);
    }
    std::vector<PortBinding> bindings;
    for (int i = 0; i < container->count(); ++i) {
        std::string host_port;
        if (any_of_range)
            host_port = parts.host;
        else if (host)
            host_port = std::to_string(host->first + i);
        bindings.push_back(
            {fmt::format("{}/{}", container->first + i, protocol), parts.ip, host_port});
    }
    return bindings;
}

std::vector<std::string> parse_expose(std::string_view spec) {
    const auto [ports, protocol_text] = split_once(spec, '/');
    if (ports.find(':') != std::string::npos) {
        throw Error(ErrorKind::invalid_argument, "invalid port format for --expose: {}", spec);
    }
    const auto range = parse_range(ports);
    if (!range) {
        throw Error(ErrorKind::invalid_argument,
                    "invalid range format for --expose: {}, error: strconv.ParseUint: parsing "
                    "\"{}\": invalid syntax",
                    spec, ports);
    }
    const std::string protocol = checked_protocol(protocol_text.value_or(""));
    std::vector<std::string> exposed;
    for (int port = range->first; port <= range->last; ++port)
        exposed.push_back(fmt::format("{}/{}", port, protocol));
    return exposed;
}

}  // namespace brig::cli
