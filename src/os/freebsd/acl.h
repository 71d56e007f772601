// POSIX.1e ACLs by acl(3), in the form of posix_acl.h. UFS keeps them where it is mounted with
// `acls`. ZFS keeps NFSv4's instead, which none of this reads or writes: they have no such form.
#pragma once

#include <sys/types.h>

#include <sys/acl.h>

#include <optional>
#include <string>

namespace brig::os {

/// Nothing for an attribute that is no ACL.
std::optional<acl_type_t> acl_type(const std::string& attribute);
/// Nothing where the mode says all there is, or the file system has no such ACLs.
std::optional<std::string> get_acl(int fd, acl_type_t type);
/// As set_xattr. `name` is for the message.
bool set_acl(int fd, acl_type_t type, const std::string& value, const std::string& name);
void remove_acl(int fd, acl_type_t type, const std::string& name);

}  // namespace brig::os
