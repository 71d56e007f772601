// Extended attributes of files in untrusted trees, by parent directory and name, never following
// a link. Names are Linux's ("user.x", "security.capability"); FreeBSD maps user.* and, where the
// file system has such, system.posix_acl_*, and drops others.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace brig::os {

/// False when the file system or platform has no such attribute (ENOTSUP, or EPERM for a
/// namespace that is not ours); throws SysError otherwise, also for an ACL that is none.
bool set_xattr(int directory, const std::string& name, const std::string& attribute,
               const std::string& value);
/// Absent is fine.
void remove_xattr(int directory, const std::string& name, const std::string& attribute);
std::optional<std::string> get_xattr(int directory, const std::string& name,
                                     const std::string& attribute);
std::vector<std::pair<std::string, std::string>> list_xattrs(int directory,
                                                             const std::string& name);

}  // namespace brig::os
