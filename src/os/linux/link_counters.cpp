// From sysfs.
#include "os/link_counters.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "base/strings.h"

namespace brig::os {
namespace {

std::uint64_t counter(const std::string& name, std::string_view what) {
    const auto text = read_file(fmt::format("/sys/class/net/{}/statistics/{}", name, what), 64);
    return parse_int<std::uint64_t>(trim(text)).value_or(0);
}

}  // namespace

std::optional<LinkCounters> link_counters(const std::string& name) {
    if (name.empty() || name.find('/') != std::string::npos) return std::nullopt;
    try {
        return LinkCounters{{counter(name, "rx_bytes"), counter(name, "rx_packets"),
                             counter(name, "rx_errors"), counter(name, "rx_dropped")},
                            {counter(name, "tx_bytes"), counter(name, "tx_packets"),
                             counter(name, "tx_errors"), counter(name, "tx_dropped")}};
    } catch (const SysError&) {
        return std::nullopt;
    }
}

}  // namespace brig::os
