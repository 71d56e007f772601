// The grammar of distribution/reference, by hand: its regular expressions are slow in std::regex
// and hide which rule a name broke.
#include "oci/reference.h"

#include <algorithm>

#include "base/error.h"
#include "base/strings.h"

namespace brig::oci {
namespace {

constexpr std::string_view default_domain = "docker.io";
constexpr std::string_view official_prefix = "library/";
constexpr std::size_t max_name = 255;
constexpr std::size_t max_tag = 128;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_alnum(char c) { return is_digit(c) || is_lower(c) || is_upper(c); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }

[[noreturn]] void refuse() { throw Error(ErrorKind::invalid_argument, "invalid reference format"); }

/// [a-z0-9]+ groups joined by ".", "_", "__" or any number of "-".
bool is_path_component(std::string_view text) {
    std::size_t at = 0;
    const auto group = [&] {
        const std::size_t begin = at;
        while (at < text.size() && (is_lower(text[at]) || is_digit(text[at]))) ++at;
        return at > begin;
    };
    if (!group()) return false;
    while (at < text.size()) {
        if (text[at] == '.') {
            ++at;
        } else if (text[at] == '_') {
            ++at;
            if (at < text.size() && text[at] == '_') ++at;
        } else {
            const std::size_t begin = at;
            while (at < text.size() && text[at] == '-') ++at;
            if (at == begin) return false;
        }
        if (!group()) return false;
    }
    return true;
}

bool is_host_label(std::string_view label) {
    return !label.empty() && is_alnum(label.front()) && is_alnum(label.back()) &&
           std::ranges::all_of(label, [](char c) { return is_alnum(c) || c == '-'; });
}

bool is_domain(std::string_view text) {
    std::string_view host = text;
    std::string_view port;
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        if (close == std::string_view::npos || close < 2) return false;
        const auto address = text.substr(1, close - 1);
        const std::string lower = to_lower(address);
        if (!std::ranges::all_of(lower, [](char c) { return is_hex(c) || c == ':'; })) return false;
        host = {};
        port = text.substr(close + 1);
        if (!port.empty() && !port.starts_with(':')) return false;
    } else if (const auto colon = text.find(':'); colon != std::string_view::npos) {
        host = text.substr(0, colon);
        port = text.substr(colon);
    }
    if (!port.empty()) {
        port.remove_prefix(1);
        if (port.empty() || !std::ranges::all_of(port, is_digit)) return false;
    }
    if (text.starts_with('[')) return true;
    return std::ranges::all_of(split(host, '.'), is_host_label);
}

bool is_tag(std::string_view text) {
    return !text.empty() && text.size() <= max_tag && (is_alnum(text[0]) || text[0] == '_') &&
           std::ranges::all_of(
               text, [](char c) { return is_alnum(c) || c == '_' || c == '.' || c == '-'; });
}

/// Docker's rule for "a/b": the first part is a host if it has a dot, a colon, an upper-case
/// letter, or is "localhost".
void split_domain(std::string_view name, Reference& out) {
    const auto slash = name.find('/');
    const std::string_view first = name.substr(0, slash);
    const bool has_host =
        slash != std::string_view::npos && (first.find_first_of(".:") != std::string_view::npos ||
                                            first == "localhost" || to_lower(first) != first);
    out.domain = has_host ? first : default_domain;
    out.path = has_host ? name.substr(slash + 1) : name;
    if (out.domain == "index.docker.io") out.domain = default_domain;
    if (out.domain == default_domain && out.path.find('/') == std::string::npos) {
        out.path = std::string(official_prefix) + out.path;
    }
}

}  // namespace

Reference Reference::parse(std::string_view text) {
    if (text.size() == 64 && std::ranges::all_of(text, is_hex)) {
        throw Error(ErrorKind::invalid_argument,
                    "invalid repository name ({}), cannot specify 64-byte hexadecimal strings",
                    text);
    }
    Reference out;
    std::string_view rest = text;
    if (const auto at = rest.find('@'); at != std::string_view::npos) {
        try {
            out.digest = Digest::parse(rest.substr(at + 1));
        } catch (const Error&) {
            refuse();
        }
        rest = rest.substr(0, at);
    }
    const auto slash = rest.rfind('/');
    const auto colon = rest.find(':', slash == std::string_view::npos ? 0 : slash);
    if (colon != std::string_view::npos) {
        out.tag = rest.substr(colon + 1);
        if (!is_tag(out.tag)) refuse();
        rest = rest.substr(0, colon);
    }
    if (rest.empty()) refuse();
    split_domain(rest, out);
    if (!is_domain(out.domain)) refuse();
    if (to_lower(out.path) != out.path) {
        throw Error(ErrorKind::invalid_argument,
                    "invalid reference format: repository name ({}) must be lowercase", out.path);
    }
    if (!std::ranges::all_of(split(out.path, '/'), is_path_component)) refuse();
    if (out.path.size() > max_name) {
        throw Error(ErrorKind::invalid_argument,
                    "invalid reference format: repository name must not be more than {} characters",
                    max_name);
    }
    return out;
}

std::optional<Reference> Reference::try_parse(std::string_view text) {
    try {
        return parse(text);
    } catch (const Error&) {
        return std::nullopt;
    }
}

Reference Reference::with_default_tag() const {
    Reference out = *this;
    if (out.tag.empty() && !out.digest) out.tag = "latest";
    return out;
}

std::string Reference::name() const { return domain + "/" + path; }

std::string Reference::familiar_name() const {
    if (domain != default_domain) return name();
    const std::string_view rest = std::string_view(path).substr(
        path.starts_with(official_prefix) ? official_prefix.size() : 0);
    return std::string(rest.find('/') == std::string_view::npos ? rest : std::string_view(path));
}

std::string Reference::str() const {
    return name() + (tag.empty() ? "" : ":" + tag) + (digest ? "@" + digest->str() : "");
}

std::string Reference::familiar() const {
    return familiar_name() + (tag.empty() ? "" : ":" + tag) + (digest ? "@" + digest->str() : "");
}

bool looks_like_id(std::string_view text) {
    if (text.starts_with("sha256:")) text.remove_prefix(7);
    return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, is_hex);
}

}  // namespace brig::oci
