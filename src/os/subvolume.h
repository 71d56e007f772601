// Btrfs subvolumes: trees that are copied by sharing them, at once. Only Linux has them.
#pragma once

#include <cstdint>
#include <string>

namespace brig::os {

/// Whether `directory` lies on a file system with subvolumes. Throws SysError.
bool has_subvolumes(const std::string& directory);

/// An empty subvolume `name` in `directory`, mode 0755. This and what follows throw SysError naming
/// the path, and Error{not_implemented} on a kernel without subvolumes.
void make_subvolume(int directory, const std::string& name);
/// A writable copy of the subvolume that `source` is the root of, as `name` in `directory`.
void copy_subvolume(int source, int directory, const std::string& name);
/// At most `bytes` that it does not share with others may be in the subvolume. Turns the file
/// system's accounting on, which stays on.
void limit_subvolume(int subvolume, std::uint64_t bytes);
/// With all that is in it but other subvolumes, which make it fail.
void remove_subvolume(int directory, const std::string& name);

}  // namespace brig::os
