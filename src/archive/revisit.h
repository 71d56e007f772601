// The way back to what a writer of a tree has made, for what can only be set when all is there.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"

namespace brig::archive {

/// No link is followed: what is behind one that was put in a directory's place is another node, or
/// none. Neighbours in the order of their paths share the way. Nothing may be replaced meanwhile.
class Revisit {
public:
    explicit Revisit(int root) : root_(root) {}

    struct Found {
        int directory;  ///< good until the next find()
        std::string name;
        struct stat info;
    };
    /// `path` is a Place's. Nothing where it, or a directory above it, is gone or replaced.
    std::optional<Found> find(const std::string& path);

private:
    [[nodiscard]] int top() const { return above_.empty() ? root_ : above_.back().second.get(); }

    int root_;
    std::vector<std::pair<std::string, Fd>> above_;
};

}  // namespace brig::archive
