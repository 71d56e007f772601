// See flags.h.
#include "cli/flags.h"

#include <algorithm>

#include "base/strings.h"

namespace brig::cli {
namespace {

[[noreturn]] void refuse(std::string message) {
    throw Error(ErrorKind::invalid_argument, std::move(message));
}

std::string shown_name(const Flag& flag) {
    if (flag.short_name == 0) return "--" + flag.long_name;
    return fmt::format("-{}, --{}", flag.short_name, flag.long_name);
}

}  // namespace

std::int64_t parse_go_int(const std::string& text) {
    std::string_view digits = text;
    if (digits.starts_with('+')) digits.remove_prefix(1);
    const auto value = parse_int<std::int64_t>(digits);
    if (!value)
        throw BadValue(fmt::format("strconv.ParseInt: parsing \"{}\": invalid syntax", text));
    return *value;
}

bool parse_go_bool(const std::string& text) {
    const auto value = parse_bool(text);
    if (!value)
        throw BadValue(fmt::format("strconv.ParseBool: parsing \"{}\": invalid syntax", text));
    return *value;
}

std::int64_t parse_size(const std::string& text) {
    const auto value = parse_bytes(text);
    if (!value) throw BadValue(fmt::format("invalid size: '{}'", text));
    return *value;
}

Flags& Flags::add(std::string_view names, std::string_view type, std::string_view help,
                  Setter set) {
    const auto [long_name, short_name] = split_once(names, ',');
    flags_.push_back({.long_name = long_name,
                      .short_name = short_name ? short_name->front() : '\0',
                      .type = std::string(type),
                      .help = std::string(help),
                      .set = std::move(set)});
    return *this;
}

Flags& Flags::toggle(std::string_view names, bool& target, std::string_view help) {
    return add(names, "", help, [&target](const std::string& v) { target = parse_go_bool(v); });
}

Flags& Flags::text(std::string_view names, std::string& target, std::string_view help) {
    return add(names, "string", help, [&target](const std::string& v) { target = v; });
}

Flags& Flags::list(std::string_view names, std::vector<std::string>& target,
                   std::string_view help) {
    return add(names, "list", help, [&target](const std::string& v) { target.push_back(v); });
}

Flags& Flags::number(std::string_view names, std::optional<std::int64_t>& target,
                     std::string_view help) {
    return add(names, "int", help, [&target](const std::string& v) { target = parse_go_int(v); });
}

Flags& Flags::bytes(std::string_view names, std::optional<std::int64_t>& target,
                    std::string_view help) {
    return add(names, "bytes", help, [&target](const std::string& v) { target = parse_size(v); });
}

Flags& Flags::value(std::string_view names, std::string_view type, Setter set,
                    std::string_view help) {
    return add(names, type, help, std::move(set));
}

Flags& Flags::hide() {
    flags_.back().hidden = true;
    return *this;
}

Flags& Flags::shows_default(std::string_view text) {
    flags_.back().shown_default = text;
    return *this;
}

bool Flags::given(std::string_view long_name) const {
    return std::ranges::find(given_, long_name) != given_.end();
}

const Flag* Flags::find(std::string_view long_name) const {
    const auto it = std::ranges::find(flags_, long_name, &Flag::long_name);
    return it == flags_.end() ? nullptr : &*it;
}

const Flag* Flags::find(char short_name) const {
    const auto it = std::ranges::find(flags_, short_name, &Flag::short_name);
    return it == flags_.end() ? nullptr : &*it;
}

void Flags::apply(const Flag& flag, const std::string& value) {
    try {
        flag.set(value);
    } catch (const BadValue& bad) {
        refuse(fmt::format("invalid argument \"{}\" for \"{}\" flag: {}", value, shown_name(flag),
                           bad.message()));
    }
    given_.push_back(flag.long_name);
}

bool Flags::parse_long(std::string_view argument, const std::string* next) {
    const auto [name, value] = split_once(argument.substr(2), '=');
    if (name.empty() || name.starts_with('-')) refuse(fmt::format("bad flag syntax: {}", argument));
    const Flag* flag = find(name);
    if (flag == nullptr && name == "help") {
        help_ = true;
        return false;
    }
    if (flag == nullptr) refuse("unknown flag: --" + name);
    if (value) {
        apply(*flag, *value);
    } else if (flag->type.empty()) {
        apply(*flag, "true");
    } else if (next != nullptr) {
        apply(*flag, *next);
        return true;
    } else {
        refuse("flag needs an argument: --" + name);
    }
    return false;
}

bool Flags::parse_short(std::string_view cluster, const std::string* next) {
    for (std::string_view rest = cluster; !rest.empty();) {
        const char name = rest.front();
        const Flag* flag = find(name);
        if (flag == nullptr && name == 'h') {
            help_ = true;
            return false;
        }
        if (flag == nullptr) {
            refuse(fmt::format("unknown shorthand flag: '{}' in -{}", name, rest));
        }
        const std::string_view after = rest.substr(1);
        if (after.starts_with('=')) {
            apply(*flag, std::string(after.substr(1)));
            return false;
        }
        if (flag->type.empty()) {
            apply(*flag, "true");
            rest = after;
            continue;
        }
        if (!after.empty()) {
            apply(*flag, std::string(after));
            return false;
        }
        if (next == nullptr) refuse(fmt::format("flag needs an argument: '{}' in -{}", name, rest));
        apply(*flag, *next);
        return true;
    }
    return false;
}

std::vector<std::string> Flags::parse(const std::vector<std::string>& arguments,
                                      bool stop_at_positional) {
    std::vector<std::string> positionals;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& argument = arguments[i];
        const std::string* next = i + 1 < arguments.size() ? &arguments[i + 1] : nullptr;
        const auto rest_from = [&](std::size_t first) {
            positionals.insert(positionals.end(),
                               arguments.begin() + static_cast<std::ptrdiff_t>(first),
                               arguments.end());
        };
        if (argument == "--") {
            rest_from(i + 1);
            break;
        }
        if (argument.size() < 2 || argument.front() != '-') {
            if (stop_at_positional) {
                rest_from(i);
                break;
            }
            positionals.push_back(argument);
            continue;
        }
        const bool took_next = argument.starts_with("--") ? parse_long(argument, next)
                                                          : parse_short(argument.substr(1), next);
        if (help_) return {};
        if (took_next) ++i;
    }
    return positionals;
}

}  // namespace brig::cli
