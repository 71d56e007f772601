// See ssh_name.h.
#include "oci/ssh_name.h"

#include <algorithm>
#include <cctype>

#include "base/error.h"
#include "base/strings.h"

namespace brig::oci {
namespace {

constexpr std::string_view scheme = "ssh://";

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
    throw Error(ErrorKind::invalid_argument, "invalid name {:?}: {}", text.substr(0, 300), why);
}

bool is_plain(std::string_view text, std::string_view more) {
    return !text.empty() && text.front() != '-' && std::ranges::all_of(text, [&](unsigned char c) {
        return std::isalnum(c) != 0 || more.find(static_cast<char>(c)) != std::string_view::npos;
    });
}

struct Parts {
    std::string_view authority;
    std::string_view path;  // without the slash before it
};

Parts take_apart(std::string_view text) {
    const auto rest = text.substr(scheme.size());
    const auto slash = rest.find('/');
    if (slash == std::string_view::npos) return {rest, {}};
    return {rest.substr(0, slash), rest.substr(slash + 1)};
}

}  // namespace

bool is_ssh_address(std::string_view text) { return text.starts_with(scheme); }

Reference SshName::remote() const {
    return {.domain = address, .path = path, .tag = local.tag, .digest = local.digest};
}

std::optional<SshName> parse_ssh_name(std::string_view text) {
    if (!is_ssh_address(text)) return std::nullopt;
    const auto [authority, path] = take_apart(text);
    if (path.empty()) refuse(text, "want ssh://[USER@]HOST[:PORT]/PATH/NAME[:TAG]");
    std::string directory;
    std::string_view name = path;
    if (path.starts_with('/')) {
        name = path.substr(1);
    } else if (const auto end = path.find("//"); end != std::string_view::npos) {
        directory = path.substr(0, end);
        name = path.substr(end + 2);
    } else if (const auto slash = path.rfind('/'); slash != std::string_view::npos) {
        directory = path.substr(0, slash);
        name = path.substr(slash + 1);
    }
    // With a registry in front, so that the name's first part is never taken for one.
    const auto parsed = Reference::try_parse("localhost/" + std::string(name));
    if (!parsed) refuse(text, fmt::format("{:?} is no image's name", name));
    SshName out{.address = fmt::format("{}{}", scheme, authority), .path = parsed->path};
    if (!directory.empty()) out.address += "/" + directory;
    SshAddress::parse(out.address);
    out.local = Reference::parse(name);
    return out;
}

SshAddress SshAddress::parse(std::string_view address) {
    if (!is_ssh_address(address)) refuse(address, "does not begin with ssh://");
    auto [authority, path] = take_apart(address);
    SshAddress out;
    if (!path.empty()) out.path = "/" + std::string(path);
    if (const auto at = authority.find('@'); at != std::string_view::npos) {
        out.user = authority.substr(0, at);
        authority.remove_prefix(at + 1);
        if (!is_plain(out.user, "._-")) refuse(address, "the user's name has odd characters");
    }
    const auto colon = authority.rfind(':');
    const bool has_port = colon != std::string_view::npos &&
                          (authority.front() != '[' || authority[colon - 1] == ']');
    out.host = has_port ? authority.substr(0, colon) : authority;
    if (has_port) {
        out.port = authority.substr(colon + 1);
        if (!parse_int<std::uint16_t>(out.port)) refuse(address, "the port is no number");
    }
    if (out.host.starts_with('[') && out.host.ends_with(']')) {
        out.host = out.host.substr(1, out.host.size() - 2);
        if (!is_plain(out.host, ":.%")) refuse(address, "the host is no IPv6 address");
    } else if (!is_plain(out.host, "._-")) {
        refuse(address, "the host's name has odd characters");
    }
    const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
    if (std::ranges::any_of(out.path, is_control)) refuse(address, "the path has odd characters");
    return out;
}

}  // namespace brig::oci
