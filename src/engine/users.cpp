// Parsing of passwd(5) and group(5) with docker's rules for numbers and names.
#include "engine/users.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/strings.h"
#include "os/container_root.h"

namespace brig::engine {
namespace {

struct Passwd {
    std::string name;
    std::uint32_t uid;
    std::uint32_t gid;
    std::string home;
};

struct Group {
    std::string name;
    std::uint32_t gid;
    std::string members;
};

std::optional<std::uint32_t> parse_id(std::string_view text) {
    const auto value = parse_int<std::uint32_t>(text);
    if (!value || *value > static_cast<std::uint32_t>(std::numeric_limits<std::int32_t>::max()))
        return {};
    return value;
}

bool all_digits(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

void each_line(std::string_view text, const std::function<void(std::vector<std::string>)>& use) {
    while (!text.empty()) {
        const auto end = text.find('\n');
        const auto line = trim(text.substr(0, end));
        if (!line.empty() && line.front() != '#') use(split(line, ':'));
        if (end == std::string_view::npos) return;
        text.remove_prefix(end + 1);
    }
}

std::optional<Passwd> find_user(const std::string& passwd,
                                const std::function<bool(const Passwd&)>& wanted) {
    std::optional<Passwd> found;
    each_line(passwd, [&](std::vector<std::string> fields) {
        if (found || fields.size() < 4) return;
        const auto uid = parse_id(fields[2]);
        const auto gid = parse_id(fields[3]);
        if (!uid || !gid) return;
        Passwd entry{fields[0], *uid, *gid, fields.size() > 5 ? fields[5] : std::string()};
        if (wanted(entry)) found = std::move(entry);
    });
    return found;
}

void each_group(const std::string& text, const std::function<void(const Group&)>& use) {
    each_line(text, [&](std::vector<std::string> fields) {
        if (fields.size() < 3) return;
        if (const auto gid = parse_id(fields[2])) {
            use({fields[0], *gid, fields.size() > 3 ? fields[3] : std::string()});
        }
    });
}

std::uint32_t resolve_group(const std::string& group, const Accounts& accounts) {
    if (const auto number = parse_id(group)) return *number;
    if (all_digits(group)) {
        throw Error(ErrorKind::invalid_argument, "uids and gids must be in range 0-2147483647");
    }
    std::optional<std::uint32_t> found;
    each_group(accounts.group, [&](const Group& entry) {
        if (!found && entry.name == group) found = entry.gid;
    });
    if (found) return *found;
    throw Error(ErrorKind::invalid_argument,
                "unable to find group {}: no matching entries in group file", group);
}

bool is_member(const Group& group, const std::string& name) {
    const auto members = split(group.members, ',');
    return std::ranges::find(members, name) != members.end();
}

void add_unique(std::vector<std::uint32_t>& list, std::uint32_t value) {
    if (std::ranges::find(list, value) == list.end()) list.push_back(value);
}

/// What looks like a number is one, whatever names the image has (CVE-2016-3697); it needs no
/// entry.
std::optional<Passwd> find_named(const std::string& name, const Accounts& accounts,
                                 std::uint32_t& uid) {
    if (const auto number = parse_id(name)) {
        uid = *number;
        return find_user(accounts.passwd, [&](const Passwd& p) { return p.uid == *number; });
    }
    if (all_digits(name)) {
        throw Error(ErrorKind::invalid_argument, "uids and gids must be in range 0-2147483647");
    }
    auto entry = find_user(accounts.passwd, [&](const Passwd& p) { return p.name == name; });
    if (!entry) {
        throw Error(ErrorKind::invalid_argument,
                    "unable to find user {}: no matching entries in passwd file", name);
    }
    uid = entry->uid;
    return entry;
}

}  // namespace

ResolvedUser resolve_user(std::string_view user, const std::vector<std::string>& extra_groups,
                          const Accounts& accounts) {
    const auto [name, group] = split_once(user, ':');
    ResolvedUser out;
    const auto entry = find_named(name.empty() ? "0" : name, accounts, out.uid);
    if (entry) {
        out.gid = entry->gid;
        if (entry->home.starts_with('/')) out.home = entry->home;
    }
    if (group && !group->empty()) {
        out.gid = resolve_group(*group, accounts);
    } else if (entry) {
        each_group(accounts.group, [&](const Group& candidate) {
            if (is_member(candidate, entry->name)) add_unique(out.groups, candidate.gid);
        });
    }
    for (const auto& extra : extra_groups) add_unique(out.groups, resolve_group(extra, accounts));
    return out;
}

namespace {

constexpr std::size_t largest_file = 4U << 20U;

std::string read_account_file(int root, const std::string& path) {
    try {
        const Fd file = os::open_regular_in_root(root, path);
        return read_to_end(file.get(), largest_file);
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::not_found)
            log::debug("{} of a container: {}", path, e.message());
        return {};
    }
}

}  // namespace

Accounts read_accounts(int root) {
    return {read_account_file(root, "etc/passwd"), read_account_file(root, "etc/group")};
}

}  // namespace brig::engine
