// A linear table: a hundred short comparisons cost less than the request's parsing.
#include "http/router.h"

#include "base/strings.h"

namespace brig::http {
namespace {

using Parts = std::vector<std::string>;

bool is_parameter(std::string_view part) { return part.starts_with('{'); }
bool is_rest(std::string_view part) { return part.ends_with("*}"); }

std::string parameter_name(std::string_view part) {
    part.remove_prefix(1);
    part.remove_suffix(is_rest(part) ? 2 : 1);
    return std::string(part);
}

/// The parts of a path, without the empty one before the leading slash and a trailing one.
Parts parts_of(std::string_view path) {
    while (path.starts_with('/')) path.remove_prefix(1);
    while (path.ends_with('/')) path.remove_suffix(1);
    return split(path, '/');
}

std::optional<std::map<std::string, std::string>> match(const Parts& pattern, const Parts& path) {
    if (path.size() < pattern.size()) return std::nullopt;
    const auto surplus = path.size() - pattern.size();
    std::map<std::string, std::string> parameters;
    std::size_t at = 0;
    for (const auto& part : pattern) {
        if (!is_parameter(part)) {
            if (path[at++] != part) return std::nullopt;
            continue;
        }
        const auto end = at + 1 + (is_rest(part) ? surplus : 0);
        const Parts matched(path.begin() + static_cast<std::ptrdiff_t>(at),
                            path.begin() + static_cast<std::ptrdiff_t>(end));
        auto value = join(matched, "/");
        if (value.empty()) return std::nullopt;
        parameters[parameter_name(part)] = std::move(value);
        at = end;
    }
    if (at != path.size()) return std::nullopt;
    return parameters;
}

}  // namespace

void Router::add(std::string_view method, std::string_view pattern, Handler handler,
                 BodyMode body) {
    routes_.push_back({std::string(method), parts_of(pattern), std::move(handler), body});
}

void Router::add_missing(std::string_view method, std::string_view pattern) {
    add(method, pattern, nullptr);
}

std::optional<Router::Match> Router::find(std::string_view method, std::string_view path) const {
    const auto parts = parts_of(path);
    for (const auto& route : routes_) {
        if (route.method != method) continue;
        if (auto parameters = match(route.pattern, parts))
            return Match{&route, std::move(*parameters)};
    }
    return std::nullopt;
}

}  // namespace brig::http
