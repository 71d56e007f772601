// Flags of files as chflags(2) sets them, such as schg, in untrusted trees: by parent directory and
// name, never following a link. FreeBSD's; on Linux no file has any.
#pragma once

#include <sys/stat.h>

#include <string>

namespace brig::os {

/// Bits of chflags(2).
using FileFlags = unsigned long;

/// Whether root may set and take away schg and the like: not within a jail without allow.chflags,
/// which cannot allow it to a jail of its own either.
bool may_set_system_flags();

/// Those that somebody has set, without what file systems note themselves (uarch and the like).
FileFlags lasting_flags(FileFlags flags);
FileFlags flags_of(const struct stat& info);

/// In the place of what the entry has. False when the file system has no such flag, or we may not
/// set it; throws SysError otherwise.
bool set_file_flags(int directory, const std::string& name, FileFlags flags);

/// Takes away what keeps an entry from being changed or removed. Returns what it had, 0 when there
/// was nothing in the way.
FileFlags unprotect(int directory, const std::string& name);
/// The same of everything in the directory `path` and of itself; what cannot be, or is very deep,
/// is left.
void unprotect_tree(const std::string& path);
/// remove_tree_at(), whatever flags are in the way.
void remove_protected_tree_at(int directory, const std::string& name);

}  // namespace brig::os
