// Values of single flags of run and create; see container_flags.h.
#include <arpa/inet.h>
#include <sys/socket.h>

#include <array>
#include <cmath>
#include <cstdlib>

#include "base/strings.h"
#include "cli/container_flags.h"

namespace brig::cli {

Json parse_ulimit(const std::string& text) {
    constexpr std::array<std::string_view, 16> names{
        "as",   "core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue",
        "nice", "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack"};
    const auto [name, limits] = split_once(text, '=');
    if (!limits) throw BadValue("invalid ulimit argument: " + text);
    if (std::ranges::find(names, name) == names.end())
        throw BadValue("invalid ulimit type: " + name);
    const auto [soft_text, hard_text] = split_once(*limits, ':');
    const std::int64_t soft = parse_go_int(soft_text);
    const std::int64_t hard = hard_text ? parse_go_int(*hard_text) : soft;
    if (hard != -1 && (soft > hard || soft == -1)) {
        throw BadValue(fmt::format(
            "ulimit soft limit must be less than or equal to hard limit: {} > {}", soft, hard));
    }
    return {{"Name", name}, {"Hard", hard}, {"Soft", soft}};
}

std::int64_t parse_cpus(const std::string& text) {
    char* end = nullptr;
    const double cpus = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0' || !std::isfinite(cpus) || cpus < 0 || cpus > 1e6) {
        throw BadValue(fmt::format("failed to parse {} as a rational number", text));
    }
    return std::llround(cpus * 1e9);
}

std::int64_t parse_go_duration(const std::string& text) {
    struct Unit {
        std::string_view name;
        double nanoseconds;
    };
    constexpr std::array units{Unit{"ns", 1},  Unit{"us", 1e3}, Unit{"ms", 1e6},
                               Unit{"s", 1e9}, Unit{"m", 6e10}, Unit{"h", 3.6e12}};
    if (text == "0") return 0;
    double total = 0;
    const char* at = text.c_str();
    while (*at != '\0') {
        char* end = nullptr;
        const double number = std::strtod(at, &end);
        std::string_view rest(end);
        const auto unit = rest.substr(0, rest.find_first_of("0123456789."));
        const auto known = std::ranges::find(units, unit, &Unit::name);
        if (end == at || number < 0 || known == units.end()) break;
        total += number * known->nanoseconds;
        at = end + unit.size();
    }
    if (text.empty() || *at != '\0' || !(total < 9e18))
        throw BadValue(fmt::format("time: invalid duration \"{}\"", text));
    return static_cast<std::int64_t>(total);
}

Json parse_device(const std::string& text) {
    const auto parts = split(text, ':');
    const auto is_mode = [](const std::string& mode) {
        return !mode.empty() && mode.find_first_not_of("rwm") == std::string::npos;
    };
    std::string inside = parts[0];
    std::string mode = "rwm";
    const bool valid =
        parts.size() <= 3 && !parts[0].empty() && (parts.size() < 3 || is_mode(parts[2]));
    if (!valid) throw Error(ErrorKind::invalid_argument, "invalid device specification: {}", text);
    if (parts.size() > 2) mode = parts[2];
    if (parts.size() == 2 && is_mode(parts[1]))
        mode = parts[1];
    else if (parts.size() > 1 && !parts[1].empty())
        inside = parts[1];
    return {{"PathOnHost", parts[0]}, {"PathInContainer", inside}, {"CgroupPermissions", mode}};
}

Json parse_restart_policy(const std::string& text) {
    const auto [name, count] = split_once(text, ':');
    const auto retries = count ? parse_int<int>(*count) : std::optional<int>(0);
    if (name.empty() && count)
        throw Error(ErrorKind::invalid_argument,
                    "invalid restart policy format: no policy provided before colon");
    if (!retries)
        throw Error(ErrorKind::invalid_argument,
                    "invalid restart policy format: maximum retry count must be an integer");
    return {{"Name", name}, {"MaximumRetryCount", *retries}};
}

std::string parse_add_host(const std::string& text) {
    const auto at = text.find_first_of("=:");
    if (at == std::string::npos || at == 0)
        throw BadValue(fmt::format("bad format for add-host: \"{}\"", text));
    const std::string name = text.substr(0, at);
    std::string address = text.substr(at + 1);
    if (address.starts_with('[') && address.ends_with(']'))
        address = address.substr(1, address.size() - 2);
    unsigned char storage[16];
    const bool valid = address == "host-gateway" ||
                       ::inet_pton(AF_INET, address.c_str(), storage) == 1 ||
                       ::inet_pton(AF_INET6, address.c_str(), storage) == 1;
    if (!valid) throw BadValue(fmt::format("invalid IP address in add-host: \"{}\"", address));
    return name + ":" + address;
}

}  // namespace brig::cli
