// See acl.h.
#include "os/freebsd/acl.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <type_traits>

#include "base/error.h"
#include "os/posix_acl.h"

namespace brig::os {
namespace {

struct FreeAcl {
    void operator()(void* object) const { ::acl_free(object); }
};
using AclHandle = std::unique_ptr<std::remove_pointer_t<acl_t>, FreeAcl>;

struct TagName {
    AclTag tag;
    acl_tag_t here;
};
constexpr TagName tags[] = {
    {AclTag::owner, ACL_USER_OBJ}, {AclTag::user, ACL_USER}, {AclTag::owning_group, ACL_GROUP_OBJ},
    {AclTag::group, ACL_GROUP},    {AclTag::mask, ACL_MASK}, {AclTag::other, ACL_OTHER}};

bool has_acls(int fd, acl_type_t type) {
    if (::fpathconf(fd, _PC_ACL_EXTENDED) != 1) return false;
    struct stat info {};
    return type == ACL_TYPE_ACCESS || (::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode));
}

/// The mode says all there is.
bool is_trivial(const AclHandle& acl) {
    int answer = 0;
    return ::acl_is_trivial_np(acl.get(), &answer) == 0 && answer != 0;
}

std::optional<AclEntry> read_entry(acl_entry_t from) {
    acl_tag_t tag{};
    acl_permset_t permissions{};
    if (::acl_get_tag_type(from, &tag) != 0 || ::acl_get_permset(from, &permissions) != 0)
        return std::nullopt;
    for (const auto& known : tags) {
        if (known.here != tag) continue;
        // The bits are those of a mode.
        AclEntry out{known.tag, static_cast<unsigned>(*permissions)};
        if (tag == ACL_USER || tag == ACL_GROUP) {
            const std::unique_ptr<void, FreeAcl> id(::acl_get_qualifier(from));
            if (!id) return std::nullopt;
            out.id = *static_cast<const std::uint32_t*>(id.get());
        }
        return out;
    }
    return std::nullopt;
}

void add_entry(AclHandle& acl, const AclEntry& entry) {
    acl_t raw = acl.release();  // may move
    acl_entry_t made{};
    const int created = ::acl_create_entry(&raw, &made);
    acl.reset(raw);
    if (created != 0) throw SysError("make an ACL");
    acl_permset_t permissions{};
    for (const auto& known : tags) {
        if (known.tag == entry.tag && ::acl_set_tag_type(made, known.here) != 0)
            throw SysError("make an ACL");
    }
    const bool named = entry.tag == AclTag::user || entry.tag == AclTag::group;
    if ((named && ::acl_set_qualifier(made, &entry.id) != 0) ||
        ::acl_get_permset(made, &permissions) != 0 || ::acl_clear_perms(permissions) != 0)
        throw SysError("make an ACL");
    for (const acl_perm_t bit : {ACL_READ, ACL_WRITE, ACL_EXECUTE}) {
        if ((entry.permissions & bit) != 0) ::acl_add_perm(permissions, bit);
    }
}

}  // namespace

std::optional<acl_type_t> acl_type(const std::string& attribute) {
    if (attribute == access_acl) return ACL_TYPE_ACCESS;
    if (attribute == default_acl) return ACL_TYPE_DEFAULT;
    return std::nullopt;
}

std::optional<std::string> get_acl(int fd, acl_type_t type) {
    if (!has_acls(fd, type)) return std::nullopt;
    const AclHandle acl(::acl_get_fd_np(fd, type));
    if (!acl) return std::nullopt;
    if (type == ACL_TYPE_ACCESS && is_trivial(acl)) return std::nullopt;
    std::vector<AclEntry> out;
    acl_entry_t entry{};
    for (int which = ACL_FIRST_ENTRY; ::acl_get_entry(acl.get(), which, &entry) == 1;
         which = ACL_NEXT_ENTRY) {
        const auto read = read_entry(entry);
        if (!read) return std::nullopt;
        out.push_back(*read);
    }
    return encode_acl(std::move(out));  // of no entries: nothing
}

bool set_acl(int fd, acl_type_t type, const std::string& value, const std::string& name) {
    const auto entries = decode_acl(value);
    if (!entries) throw SysError(EINVAL, "set the ACL of " + name);
    if (!has_acls(fd, type)) return false;
    AclHandle acl(::acl_init(static_cast<int>(entries->size())));
    if (!acl) throw SysError("set the ACL of {}", name);  // more than FreeBSD has room for
    for (const auto& entry : *entries) add_entry(acl, entry);
    if (::acl_set_fd_np(fd, acl.get(), type) == 0) return true;
    if (errno == EOPNOTSUPP || errno == EPERM) return false;
    throw SysError("set the ACL of {}", name);
}

void remove_acl(int fd, acl_type_t type, const std::string& name) {
    if (!has_acls(fd, type)) return;
    const auto worked = [&](bool done) {
        if (!done && errno != EOPNOTSUPP && errno != EPERM)
            throw SysError("remove the ACL of {}", name);
        return done;
    };
    if (type == ACL_TYPE_DEFAULT) {
        worked(::acl_delete_fd_np(fd, type) == 0);  // also where there is none
        return;
    }
    const AclHandle acl(::acl_get_fd_np(fd, type));
    if (!worked(acl != nullptr) || is_trivial(acl)) return;
    const AclHandle mode_alone(::acl_strip_np(acl.get(), 0));
    if (worked(mode_alone != nullptr)) worked(::acl_set_fd_np(fd, mode_alone.get(), type) == 0);
}

}  // namespace brig::os
