// The functions of templates: Go's built-in ones and docker's.
#include <algorithm>
#include <cctype>
#include <functional>

#include "base/strings.h"
#include "cli/go_template.h"
#include "cli/go_template_ast.h"
#include "cli/listing.h"

namespace brig::cli::go_template {
namespace {

using Arguments = std::vector<Json>;

std::string text_argument(const Json& value) {
    return value.is_string() ? value.get<std::string>() : printed(value);
}

std::string map_text(const Json& value, int (*convert)(int)) {
    std::string text = text_argument(value);
    std::ranges::transform(text, text.begin(),
                           [convert](unsigned char c) { return static_cast<char>(convert(c)); });
    return text;
}

Json without_hidden(const Json& value) {
    if (!value.is_structured()) return value;
    Json out = value;
    if (out.is_object()) out.erase(label_lookup_key);
    for (Json& member : out) member = without_hidden(member);
    return out;
}

Json index(const Arguments& arguments) {
    const Json* at = &arguments[0];
    static const Json nothing;
    for (std::size_t i = 1; i < arguments.size(); ++i) {
        const Json& key = arguments[i];
        if (at->is_null()) return {};
        if (at->is_object() && key.is_string()) {
            const auto it = at->find(key.get<std::string>());
            at = it == at->end() ? &nothing : &*it;
        } else if (at->is_array() && key.is_number_integer()) {
            const auto position = key.get<std::int64_t>();
            if (position < 0 || position >= static_cast<std::int64_t>(at->size())) {
                fail(fmt::format("error calling index: index out of range: {}", position));
            }
            at = &(*at)[static_cast<std::size_t>(position)];
        } else {
            fail(fmt::format("error calling index: can't index item of type {}", at->type_name()));
        }
    }
    return *at;
}

std::string verb_text(char verb, const Json& value) {
    switch (verb) {
        case 'q': return Json(text_argument(value)).dump();
        case 'x':
            return value.is_number() ? fmt::format("{:x}", value.get<std::int64_t>())
                                     : text_argument(value);
        case 'f': return fmt::format("{:f}", value.is_number() ? value.get<double>() : 0.0);
        case 'T': return value.type_name();
        default: return printed(value);
    }
}

/// %s %v %d %q %t %x %f with width and '-'.
Json format_text(const Arguments& arguments) {
    const std::string pattern = text_argument(arguments[0]);
    std::size_t next = 1;
    std::string out;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] != '%') {
            out += pattern[i];
            continue;
        }
        bool left = false;
        std::size_t width = 0;
        for (++i; i < pattern.size(); ++i) {
            if (pattern[i] == '-')
                left = true;
            else if (std::isdigit(static_cast<unsigned char>(pattern[i])) != 0) {
                width = std::min<std::size_t>(
                    width * 10 + static_cast<std::size_t>(pattern[i] - '0'), 4096);
            } else if (pattern[i] != '+' && pattern[i] != '#' && pattern[i] != ' ' &&
                       pattern[i] != '.')
                break;
        }
        if (i >= pattern.size()) return out + "%!(NOVERB)";
        if (pattern[i] == '%') {
            out += '%';
            continue;
        }
        const std::string text = next < arguments.size() ? verb_text(pattern[i], arguments[next])
                                                         : fmt::format("%!{}(MISSING)", pattern[i]);
        ++next;
        out += left ? fmt::format("{:<{}}", text, width) : fmt::format("{:>{}}", text, width);
    }
    return out;
}

Json print_arguments(const Arguments& arguments, std::string_view end, bool spaces) {
    std::string out;
    for (const Json& value : arguments) {
        if (spaces && &value != &arguments.front()) out += ' ';
        out += printed(value);
    }
    return out + std::string(end);
}

Json join_list(const Arguments& arguments) {
    std::vector<std::string> parts;
    for (const Json& part : arguments[0]) parts.push_back(text_argument(part));
    return join(parts, text_argument(arguments[1]));
}

Json split_text(const Arguments& arguments) {
    const std::string text = text_argument(arguments[0]);
    const std::string separator = text_argument(arguments[1]);
    Json parts = Json::array();
    std::size_t at = 0;
    if (separator.empty()) return Json::array({text});
    for (auto end = text.find(separator); end != std::string::npos;
         end = text.find(separator, at)) {
        parts.push_back(text.substr(at, end - at));
        at = end + separator.size();
    }
    parts.push_back(text.substr(at));
    return parts;
}

std::string title(const Json& value) {
    std::string text = text_argument(value);
    bool start = true;
    for (char& c : text) {
        if (start) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        start = c == ' ';
    }
    return text;
}

Json pad(const Arguments& arguments) {
    const auto spaces = [](const Json& n) {
        return std::string(
            static_cast<std::size_t>(std::clamp<std::int64_t>(n.get<std::int64_t>(), 0, 4096)),
            ' ');
    };
    const std::string text = text_argument(arguments[0]);
    return text.empty() ? text : spaces(arguments[1]) + text + spaces(arguments[2]);
}

Json truncate(const Arguments& arguments) {
    const auto size =
        static_cast<std::size_t>(std::max<std::int64_t>(0, arguments[1].get<std::int64_t>()));
    return text_argument(arguments[0]).substr(0, size);
}

Json first_or_last(const Arguments& arguments, bool stop_at) {
    for (const Json& value : arguments) {
        if (is_true(value) == stop_at) return value;
    }
    return arguments.back();
}

Json length(const Arguments& arguments) {
    const Json& value = arguments[0];
    if (value.is_string()) return Json(value.get_ref<const std::string&>().size());
    if (value.is_null() || value.is_structured()) return Json(value.size());
    fail(fmt::format("error calling len: len of type {}", value.type_name()));
}

Json equal(const Arguments& arguments) {
    return std::any_of(arguments.begin() + 1, arguments.end(),
                       [&](const Json& other) { return other == arguments[0]; });
}

struct Entry {
    std::string_view name;
    std::size_t least;
    Json (*call)(const Arguments&);
    std::size_t subject = 0;  ///< which argument a header passes through
};

const Entry entries[] = {
    {"json", 1, [](const Arguments& a) { return Json(compact_json(without_hidden(a[0]))); }},
    {"len", 1, length},
    {"index", 1, index},
    {"printf", 1, format_text, 1},
    {"print", 0, [](const Arguments& a) { return print_arguments(a, "", false); }},
    {"println", 0, [](const Arguments& a) { return print_arguments(a, "\n", true); }},
    {"upper", 1, [](const Arguments& a) { return Json(map_text(a[0], std::toupper)); }},
    {"lower", 1, [](const Arguments& a) { return Json(map_text(a[0], std::tolower)); }},
    {"title", 1, [](const Arguments& a) { return Json(title(a[0])); }},
    {"join", 2, join_list},
    {"split", 2, split_text},
    {"pad", 3, pad},
    {"truncate", 2, truncate},
    {"eq", 2, equal},
    {"ne", 2, [](const Arguments& a) { return Json(a[0] != a[1]); }},
    {"lt", 2, [](const Arguments& a) { return Json(a[0] < a[1]); }},
    {"le", 2, [](const Arguments& a) { return Json(a[0] <= a[1]); }},
    {"gt", 2, [](const Arguments& a) { return Json(a[0] > a[1]); }},
    {"ge", 2, [](const Arguments& a) { return Json(a[0] >= a[1]); }},
    {"and", 1, [](const Arguments& a) { return first_or_last(a, false); }},
    {"or", 1, [](const Arguments& a) { return first_or_last(a, true); }},
    {"not", 1, [](const Arguments& a) { return Json(!is_true(a[0])); }},
};

const Entry* find_entry(std::string_view name) {
    const auto* it = std::ranges::find(entries, name, &Entry::name);
    return it == std::end(entries) ? nullptr : it;
}

}  // namespace

bool is_function(std::string_view name) { return find_entry(name) != nullptr; }

Json call_function(const std::string& name, const Arguments& arguments, bool header) {
    const Entry* entry = find_entry(name);
    if (entry == nullptr) fail(fmt::format("function \"{}\" not defined", name));
    if (arguments.size() < entry->least) {
        fail(fmt::format("wrong number of args for {}: want at least {} got {}", name, entry->least,
                         arguments.size()));
    }
    if (header && entry->subject < arguments.size() && arguments[entry->subject].is_string()) {
        return arguments[entry->subject];
    }
    try {
        return entry->call(arguments);
    } catch (const Json::exception& error) {
        fail(fmt::format("error calling {}: {}", name, error.what()));
    }
}

std::string printed(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_null()) return "<no value>";
    if (value.is_number_float()) return fmt::format("{}", value.get<double>());
    if (!value.is_structured()) return value.dump();
    std::vector<std::string> parts;
    if (value.is_array()) {
        for (const Json& element : value) parts.push_back(printed(element));
        return "[" + join(parts, " ") + "]";
    }
    const Json shown = without_hidden(value);
    for (const auto& [key, member] : shown.items()) parts.push_back(key + ":" + printed(member));
    std::ranges::sort(parts);
    return "map[" + join(parts, " ") + "]";
}

bool is_true(const Json& value) {
    if (value.is_boolean()) return value.get<bool>();
    if (value.is_number()) return value.get<double>() != 0;
    if (value.is_string()) return !value.get_ref<const std::string&>().empty();
    return !value.empty();
}

}  // namespace brig::cli::go_template
