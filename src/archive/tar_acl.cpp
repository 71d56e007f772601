// See tar_acl.h.
#include "archive/tar_acl.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "os/posix_acl.h"

namespace brig::archive {
namespace {

std::optional<os::AclTag> tag_of(int tag) {
    switch (tag) {
        case ARCHIVE_ENTRY_ACL_USER_OBJ: return os::AclTag::owner;
        case ARCHIVE_ENTRY_ACL_USER: return os::AclTag::user;
        case ARCHIVE_ENTRY_ACL_GROUP_OBJ: return os::AclTag::owning_group;
        case ARCHIVE_ENTRY_ACL_GROUP: return os::AclTag::group;
        case ARCHIVE_ENTRY_ACL_MASK: return os::AclTag::mask;
        case ARCHIVE_ENTRY_ACL_OTHER: return os::AclTag::other;
        default: return std::nullopt;
    }
}

std::optional<std::string> acl_of(struct ::archive_entry* entry, int wanted) {
    if (::archive_entry_acl_reset(entry, wanted) == 0) return std::nullopt;
    std::vector<os::AclEntry> out;
    int type = 0;
    int permissions = 0;
    int number = 0;
    int id = -1;
    const char* name = nullptr;
    while (::archive_entry_acl_next(entry, wanted, &type, &permissions, &number, &id, &name) ==
           ARCHIVE_OK) {
        const auto tag = tag_of(number);
        const bool named = number == ARCHIVE_ENTRY_ACL_USER || number == ARCHIVE_ENTRY_ACL_GROUP;
        // libarchive says -1 of a name alone, and the largest of whatever is larger.
        const bool unknown = named && (id < 0 || id == std::numeric_limits<int>::max());
        if (!tag || unknown) return std::nullopt;
        out.push_back({*tag, static_cast<unsigned>(permissions), static_cast<std::uint32_t>(id)});
    }
    return os::encode_acl(std::move(out));
}

}  // namespace

void add_text_acls(struct ::archive_entry* entry,
                   std::vector<std::pair<std::string, std::string>>& xattrs) {
    if ((::archive_entry_acl_types(entry) & ARCHIVE_ENTRY_ACL_TYPE_POSIX1E) == 0) return;
    for (const auto& [type, key] : {std::pair(ARCHIVE_ENTRY_ACL_TYPE_ACCESS, os::access_acl),
                                    std::pair(ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, os::default_acl)}) {
        const bool known = std::ranges::any_of(
            xattrs, [&](const auto& attribute) { return attribute.first == key; });
        if (known) continue;
        if (auto acl = acl_of(entry, type)) xattrs.emplace_back(key, std::move(*acl));
    }
}

}  // namespace brig::archive
