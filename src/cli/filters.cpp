// See filters.h.
#include "cli/filters.h"

#include <unistd.h>

#include <array>

#include "base/fd.h"
#include "base/strings.h"
#include "base/time.h"
#include "cli/container_flags.h"
#include "cli/output.h"

namespace brig::cli {
namespace {

std::string seconds_of(Instant instant) {
    const auto nanoseconds = instant.time_since_epoch().count();
    return fmt::format("{}.{:09}", nanoseconds / 1000000000, nanoseconds % 1000000000);
}

}  // namespace

void declare_filters(Flags& flags, std::string_view names, std::vector<std::string>& words,
                     std::string_view help) {
    const auto add = [&words](const std::string& word) {
        if (word.empty()) return;
        const auto [key, value] = split_once(word, '=');
        if (!value) throw BadValue("bad format of filter (expected name=value)");
        words.push_back(to_lower(trim(key)) + "=" + std::string(trim(*value)));
    };
    flags.value(names, "filter", add, help);
}

std::string filters_parameter(const std::vector<std::string>& filters) {
    Json json = Json::object();
    for (const auto& filter : filters) {
        const auto [key, value] = split_once(filter, '=');
        json[key][value.value_or("")] = true;
    }
    return json.dump();
}

std::string timestamp_parameter(const std::string& text) {
    if (const auto instant = parse_timestamp(text)) return seconds_of(*instant);
    if (const auto instant = parse_timestamp(text + "Z")) return seconds_of(*instant);
    if (const auto instant = parse_timestamp(text + "T00:00:00Z")) return seconds_of(*instant);
    try {
        return seconds_of(now() - std::chrono::nanoseconds(parse_go_duration(text)));
    } catch (const BadValue&) {
        throw Error(ErrorKind::invalid_argument, "invalid timestamp: {}", text);
    }
}

bool confirm(const std::string& question) {
    print(question + " [y/N] ");
    flush_output();
    std::array<std::byte, 64> answer{};
    const auto n = read_some(STDIN_FILENO, answer);
    const auto text = to_lower(trim({reinterpret_cast<const char*>(answer.data()), n}));
    return text == "y" || text == "yes";
}

}  // namespace brig::cli
