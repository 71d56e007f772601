// Directories by descriptor. Nothing here follows a symbolic link.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace brig {

/// Names in a directory, sorted, without "." and "..". Throws SysError.
std::vector<std::string> names_in(int directory);

/// rm -r of one entry, however deep it is: a program in a container can nest directories until the
/// file system is full. Absent is fine. Throws SysError. `refused` is called with what may not be
/// removed as it is, which is then tried once more.
using RefusedRemoval = std::function<void(int directory, const std::string& name)>;
void remove_tree_at(int directory, const std::string& name, const RefusedRemoval& refused = {});

}  // namespace brig
