// Writing what COPY and ADD found into an image's root, by docker's rules of where things land.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "archive/owner_map.h"
#include "build/rootfs.h"
#include "build/source_tree.h"

namespace brig::build {

struct CopyTarget {
    int root = -1;           ///< the image's root, a directory; hostile like every image
    std::string path;        ///< absolute, clean
    bool directory = false;  ///< was written with a '/' at its end
    std::optional<Owner> owner;
    std::optional<mode_t> mode;  ///< --chmod
    archive::OwnerMap owners;    ///< of all trees that images are, sources with ownership too
};

/// A directory's contents go into `target`; a file becomes `target`, or goes into it when that is a
/// directory. Throws Error naming the path.
void copy_source(const SourceTree& tree, const Source& source, const CopyTarget& target);

/// Writes a small file (a here-document) named `name` as copy_source would.
void copy_text(std::string_view text, const std::string& name, const CopyTarget& target);

/// Makes the directory `target` and those above it, where they are missing.
void make_target(const CopyTarget& target);

/// For ADD: unpacks a tar (plain, gzip, bzip2, xz, zstd) into the directory `target`. False, and
/// nothing done, when `source` is not a single file that is one.
bool unpack_source(const SourceTree& tree, const Source& source, const CopyTarget& target);

}  // namespace brig::build
