// See userns_remap.h; passwd(5), group(5), subuid(5).
#include "engine/userns_remap.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strings.h"

namespace brig::engine {
namespace {

using Fields = std::vector<std::string>;

constexpr const char* default_user = "dockremap";
constexpr std::size_t largest_file = 4U << 20U;

std::string text_of(const char* path) {
    try {
        return read_file(path, largest_file);
    } catch (const SysError& e) {
        if (e.kind() == ErrorKind::not_found) return {};
        throw;
    }
}

/// Of passwd and group alike; what looks like a number is one.
std::optional<Fields> find_entry(const std::string& text, const std::string& wanted) {
    const auto number = parse_int<std::uint32_t>(wanted);
    for (const auto& line : split(text, '\n')) {
        auto fields = split(line, ':');
        if (fields.size() < 3) continue;
        const auto own = parse_int<std::uint32_t>(fields[2]);
        if (!own) continue;
        if (number ? own == number : fields[0] == wanted) return fields;
    }
    return std::nullopt;
}

Error no_entry(const std::string& setting, const char* kind, const std::string& name,
               const char* file) {
    if (setting == "default") {
        return {ErrorKind::invalid_argument,
                "userns-remap default: there is no {0} {1} in {2}; make it, as with: useradd "
                "--system --user-group --shell /usr/sbin/nologin {1}",
                kind, name, file};
    }
    return {ErrorKind::invalid_argument,
            "userns-remap {}: {} {:?} has no entry in {}",
            setting,
            kind,
            name,
            file};
}

std::uint32_t number_in(const std::string& text, const char* file, std::size_t line) {
    if (const auto number = parse_int<std::uint32_t>(text)) return *number;
    throw Error(ErrorKind::invalid_argument, "{}:{}: {:?} is no number of 32 bits", file, line,
                text);
}

/// The user's lines, given by number or, where there are none, by name.
std::vector<IdMapping> ranges_of(const std::string& text, const std::string& user,
                                 const char* file) {
    std::vector<IdMapping> out;
    std::uint64_t inside = 0;
    std::size_t number = 0;
    for (const auto& raw : split(text, '\n')) {
        ++number;
        const auto line = trim(raw);
        if (line.empty() || line.starts_with('#')) continue;
        const auto fields = split(line, ':');
        if (fields.size() != 3) {
            throw Error(ErrorKind::invalid_argument, "{}:{}: {:?} is not user:first:count", file,
                        number, line.substr(0, 100));
        }
        if (fields[0] != user) continue;
        const auto size = number_in(fields[2], file, number);
        if (inside + size > 0xffffffff) {
            throw Error(ErrorKind::invalid_argument, "{}:{}: user {} has more than 2^32 numbers",
                        file, number, user);
        }
        out.push_back(
            {static_cast<std::uint32_t>(inside), number_in(fields[1], file, number), size});
        inside += size;
    }
    return out;
}

std::vector<IdMapping> find_ranges(const std::string& text, const Fields& user, const char* file) {
    auto out = ranges_of(text, user[2], file);
    if (out.empty()) out = ranges_of(text, user[0], file);
    if (out.empty()) {
        throw Error(ErrorKind::invalid_argument,
                    "no ranges found for user {0} in {1}; add a line there, as "
                    "{0}:231072:65536",
                    user[0], file);
    }
    const auto holds_root = [](const IdMapping& range) { return range.host_id == 0; };
    if (std::ranges::any_of(out, holds_root)) {
        throw Error(ErrorKind::invalid_argument,
                    "the ranges of user {} in {} hold the host's own root", user[0], file);
    }
    return out;
}

}  // namespace

HostAccounts read_host_accounts() {
    return {{text_of("/etc/passwd"), text_of("/etc/group")},
            text_of("/etc/subuid"),
            text_of("/etc/subgid")};
}

archive::OwnerMap remapped_owners(const std::string& setting, const HostAccounts& host) {
    if (setting.empty()) return {};
    const auto parts = split(setting, ':');
    if (parts.size() > 2 || std::ranges::any_of(parts, &std::string::empty)) {
        throw Error(ErrorKind::invalid_argument,
                    "Invalid user/group specification in --userns-remap: {:?}", setting);
    }
    const std::string name = parts[0] == "default" ? default_user : parts[0];
    const std::string group = parts.size() > 1 ? parts[1] : name;
    const auto user = find_entry(host.accounts.passwd, name);
    if (!user) throw no_entry(setting, "user", name, "/etc/passwd");
    if (!find_entry(host.accounts.group, group))
        throw no_entry(setting, "group", group, "/etc/group");
    if ((*user)[0] == "root") {
        log::warn("User namespaces: root cannot be remapped with itself; user namespaces are OFF");
        return {};
    }
    try {
        return {find_ranges(host.subuid, *user, "/etc/subuid"),
                find_ranges(host.subgid, *user, "/etc/subgid")};
    } catch (const Error& e) {
        // What the ranges are together may be wrong as well.
        throw e.within("userns-remap " + setting);
    }
}

std::filesystem::path store_of(const std::filesystem::path& root, const archive::OwnerMap& owners) {
    if (owners.empty()) return root;
    return root / fmt::format("{}.{}", owners.user(0, archive::To::disk),
                              owners.group(0, archive::To::disk));
}

}  // namespace brig::engine
