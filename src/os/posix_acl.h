// POSIX.1e access control lists in the form of Linux's attributes system.posix_acl_access and
// system.posix_acl_default: images carry them so, and every platform takes and gives them so (see
// xattr.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace brig::os {

inline constexpr const char* access_acl = "system.posix_acl_access";
/// Of a directory: what is made in it begins with this one.
inline constexpr const char* default_acl = "system.posix_acl_default";

/// In the order that an ACL has them in.
enum class AclTag : std::uint16_t {
    owner = 0x01,
    user = 0x02,
    owning_group = 0x04,
    group = 0x08,
    mask = 0x10,
    other = 0x20
};

struct AclEntry {
    static constexpr std::uint32_t no_id = 0xffffffff;

    AclTag tag;
    unsigned permissions;      ///< as one digit of a mode
    std::uint32_t id = no_id;  ///< of a user or group
};

/// Nothing for what is not whole: it has one owner, owning group and other, and a mask if it names
/// anybody.
std::optional<std::string> encode_acl(std::vector<AclEntry> entries);
/// Nothing for what Linux would refuse as well.
std::optional<std::vector<AclEntry>> decode_acl(std::string_view value);

}  // namespace brig::os
