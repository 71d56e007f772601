// See posix_acl.h. The form is that of linux/posix_acl_xattr.h: a version, then tag, permissions
// and id of each entry, all little-endian.
#include "os/posix_acl.h"

#include <algorithm>
#include <cstddef>
#include <tuple>

namespace brig::os {
namespace {

constexpr std::uint32_t version = 2;
constexpr std::size_t header_bytes = 4;
constexpr std::size_t entry_bytes = 8;

void put(std::string& out, std::uint32_t number, int bytes) {
    for (int i = 0; i < bytes; ++i) out += static_cast<char>((number >> (8 * i)) & 0xffU);
}

std::uint32_t get(std::string_view bytes) {
    std::uint32_t out = 0;
    for (std::size_t i = bytes.size(); i-- > 0;)
        out = out << 8U | static_cast<unsigned char>(bytes[i]);
    return out;
}

bool names_somebody(const AclEntry& entry) {
    return entry.tag == AclTag::user || entry.tag == AclTag::group;
}

bool is_whole(const std::vector<AclEntry>& entries) {
    const auto count = [&](AclTag tag) { return std::ranges::count(entries, tag, &AclEntry::tag); };
    const auto masks = count(AclTag::mask);
    return count(AclTag::owner) == 1 && count(AclTag::owning_group) == 1 &&
           count(AclTag::other) == 1 && masks <= 1 &&
           (masks == 1 || std::ranges::none_of(entries, names_somebody)) &&
           std::ranges::is_sorted(entries, {}, &AclEntry::tag) &&
           std::ranges::all_of(entries, [](const AclEntry& entry) {
               return entry.permissions <= 7 &&
                      (!names_somebody(entry) || entry.id != AclEntry::no_id);
           });
}

bool is_tag(std::uint32_t number) {
    return number != 0 && number <= 0x20 && !(number & (number - 1));
}

}  // namespace

std::optional<std::string> encode_acl(std::vector<AclEntry> entries) {
    std::ranges::sort(entries, {},
                      [](const AclEntry& entry) { return std::tuple(entry.tag, entry.id); });
    if (!is_whole(entries)) return std::nullopt;
    std::string out;
    put(out, version, 4);
    for (const auto& entry : entries) {
        put(out, static_cast<std::uint32_t>(entry.tag), 2);
        put(out, entry.permissions, 2);
        put(out, names_somebody(entry) ? entry.id : AclEntry::no_id, 4);
    }
    return out;
}

std::optional<std::vector<AclEntry>> decode_acl(std::string_view value) {
    if (value.size() < header_bytes || (value.size() - header_bytes) % entry_bytes != 0 ||
        get(value.substr(0, header_bytes)) != version)
        return std::nullopt;
    std::vector<AclEntry> out;
    for (value.remove_prefix(header_bytes); !value.empty(); value.remove_prefix(entry_bytes)) {
        const auto tag = get(value.substr(0, 2));
        if (!is_tag(tag)) return std::nullopt;
        out.push_back({static_cast<AclTag>(tag), get(value.substr(2, 2)), get(value.substr(4, 4))});
    }
    if (!is_whole(out)) return std::nullopt;
    return out;
}

}  // namespace brig::os
