// See owner_map.h. The attributes' forms are those of linux/posix_acl_xattr.h and
// linux/capability.h, little-endian everywhere.
#include "archive/owner_map.h"

#include <algorithm>
#include <string_view>

#include "base/error.h"
#include "os/posix_acl.h"

namespace brig::archive {
namespace {

constexpr std::uint64_t numbers = 0xffffffff;  // the last one of 32 bits means nobody
constexpr std::uint32_t nobody = 65534;        // as /proc/sys/kernel/overflowuid
constexpr std::size_t most_ranges = 340;       // the kernel's own limit, user_namespaces(7)

constexpr std::size_t acl_header_bytes = 4;
constexpr std::size_t acl_entry_bytes = 8;
constexpr std::size_t acl_id_offset = 4;

constexpr const char* capability_xattr = "security.capability";
constexpr std::uint32_t capability_effective = 1;
constexpr std::uint32_t capability_2 = 0x02000000;
constexpr std::uint32_t capability_3 = 0x03000000;
constexpr std::size_t capability_2_bytes = 20;
constexpr std::size_t capability_3_bytes = 24;

std::uint32_t get_number(std::string_view bytes, std::size_t at) {
    std::uint32_t out = 0;
    for (std::size_t i = 4; i-- > 0;) out = out << 8U | static_cast<unsigned char>(bytes[at + i]);
    return out;
}

void put_number(std::string& bytes, std::size_t at, std::uint32_t number) {
    for (std::size_t i = 0; i < 4; ++i)
        bytes[at + i] = static_cast<char>((number >> (8 * i)) & 0xffU);
}

std::string text_of(const std::vector<IdMapping>& ranges) {
    constexpr std::size_t most_shown = 5;
    std::string out;
    for (std::size_t i = 0; i < std::min(ranges.size(), most_shown); ++i) {
        const auto& [inside, outside, size] = ranges[i];
        out += fmt::format("{}{}:{}:{}", i == 0 ? "" : ",", inside, outside, size);
    }
    return out + (ranges.size() > most_shown ? ",…" : "");
}

void check_range(const IdMapping& range) {
    const auto end = [&](std::uint32_t first) { return std::uint64_t{first} + range.size; };
    if (range.size > 0 && end(range.container_id) <= numbers && end(range.host_id) <= numbers)
        return;
    throw Error(ErrorKind::invalid_argument, "mapping {} is {}", text_of({range}),
                range.size == 0 ? "of no numbers" : "past the last number there is");
}

void check_apart(std::vector<IdMapping> ranges, std::uint32_t IdMapping::*side) {
    std::ranges::sort(ranges, {}, side);
    for (std::size_t i = 1; i < ranges.size(); ++i) {
        const auto& [before, here] = std::pair(ranges[i - 1], ranges[i]);
        if (std::uint64_t{before.*side} + before.size <= here.*side) continue;
        throw Error(ErrorKind::invalid_argument, "mappings {} and {} overlap", text_of({before}),
                    text_of({here}));
    }
}

void check(const std::vector<IdMapping>& ranges) {
    if (ranges.size() > most_ranges) {
        throw Error(ErrorKind::invalid_argument, "a mapping of {} ranges: {} is the most",
                    ranges.size(), most_ranges);
    }
    for (const auto& range : ranges) check_range(range);
    check_apart(ranges, &IdMapping::container_id);
    check_apart(ranges, &IdMapping::host_id);
}

}  // namespace

OwnerMap::OwnerMap(std::vector<IdMapping> users, std::vector<IdMapping> groups)
    : users_(std::move(users)), groups_(std::move(groups)) {
    check(users_);
    check(groups_);
    if (users_.empty() != groups_.empty()) {
        throw Error(ErrorKind::invalid_argument,
                    "users and groups are mapped together: there are no mappings for the {}",
                    users_.empty() ? "users" : "groups");
    }
}

OwnerMap OwnerMap::with_strangers() const {
    OwnerMap out = *this;
    out.strangers_ = true;
    return out;
}

std::uint32_t OwnerMap::look_up(std::uint32_t id, To where, const char* kind,
                                const std::vector<IdMapping>& ranges) const {
    for (const auto& range : ranges) {
        const auto from = where == To::disk ? range.container_id : range.host_id;
        const auto to = where == To::disk ? range.host_id : range.container_id;
        if (id >= from && id - from < range.size) return to + (id - from);
    }
    if (strangers_ && where == To::archive) return nobody;
    throw Error(ErrorKind::invalid_argument,
                "{} {}{} has no place in the mapping {} (inside:outside:count): widen that or give "
                "the file another owner",
                kind, id, where == To::disk ? "" : " of the host", text_of(ranges));
}

std::uint32_t OwnerMap::user(std::uint32_t id, To where) const {
    return empty() ? id : look_up(id, where, "user", users_);
}

std::uint32_t OwnerMap::group(std::uint32_t id, To where) const {
    return empty() ? id : look_up(id, where, "group", groups_);
}

void OwnerMap::translate(std::vector<std::pair<std::string, std::string>>& xattrs, To where) const {
    if (empty()) return;
    for (auto& [key, value] : xattrs) {
        try {
            if (key == os::access_acl || key == os::default_acl) {
                value = acl(std::move(value), where);
            } else if (key == capability_xattr) {
                value = capability(std::move(value), where);
            }
        } catch (const Error& e) {
            throw e.within("attribute " + key);
        }
    }
}

/// In place, so that the entries keep the order that the archive has them in.
std::string OwnerMap::acl(std::string value, To where) const {
    const auto entries = os::decode_acl(value);
    if (!entries) throw Error(ErrorKind::invalid_argument, "this is no access control list");
    for (std::size_t i = 0; i < entries->size(); ++i) {
        const auto& [tag, permissions, id] = (*entries)[i];
        const auto at = acl_header_bytes + i * acl_entry_bytes + acl_id_offset;
        if (tag == os::AclTag::user) put_number(value, at, user(id, where));
        if (tag == os::AclTag::group) put_number(value, at, group(id, where));
    }
    return value;
}

/// The third version names the user who is root where the capabilities count. The second, found on
/// disk, counts everywhere: the host's root gave it, and so it stays.
std::string OwnerMap::capability(std::string value, To where) const {
    const auto head = value.size() < 4 ? 0 : get_number(value, 0);
    const auto version = head & ~capability_effective;
    const bool second = version == capability_2 && value.size() == capability_2_bytes;
    const bool third = version == capability_3 && value.size() == capability_3_bytes;
    if (!second && !third)
        throw Error(ErrorKind::invalid_argument, "these are no file capabilities");
    if (second && where == To::archive) return value;
    const auto root = user(third ? get_number(value, capability_2_bytes) : 0, where);
    const bool named = where == To::disk || root != 0;
    value.resize(named ? capability_3_bytes : capability_2_bytes);
    put_number(value, 0, (named ? capability_3 : capability_2) | (head & capability_effective));
    if (named) put_number(value, capability_2_bytes, root);
    return value;
}

}  // namespace brig::archive
