// What a layer changes relative to what lies below it, found by a sorted walk by descriptor. Who
// writes layers and who lists changes are told the same things.
#pragma once

#include <string>
#include <vector>

#include "archive/layer_tree.h"

namespace brig::archive {

/// Told of every change, a directory before what is in it. Paths are relative to the root.
class Differences {
public:
    Differences() = default;
    Differences(const Differences&) = delete;
    Differences& operator=(const Differences&) = delete;
    virtual ~Differences() = default;

    /// `name` in `directory` is new or not what it was, or is a directory in which that is so.
    virtual void node(int directory, const std::string& name, const std::string& path) = 0;
    /// What lies below at this path is no longer there.
    virtual void gone(const std::string& directory, const std::string& name) = 0;
    /// Nothing is left of what lies below in this directory, which node() has told of.
    virtual void emptied(const std::string& directory) = 0;
};

/// `mount_points` are paths ("etc", "etc/hosts") that whoever runs containers makes where a root
/// lacks them: those of them that nothing was done to do not count as changes.
void find_differences(const LayerTree& tree, const std::vector<std::string>& mount_points,
                      Differences& out);

/// "a" or "directory/a".
std::string child_path(const std::string& directory, const std::string& name);

}  // namespace brig::archive
