// What COPY and ADD read from: the build context, or the root of an image or earlier stage. Finds
// the files that a source pattern means, and digests them for the cache.
#pragma once

#include <sys/stat.h>

#include <map>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/fd.h"
#include "oci/ignore.h"

namespace brig::build {

/// One file system object to be copied.
struct SourceItem {
    std::string path;      ///< in the tree
    std::string relative;  ///< below the source that named it; empty for the source itself
    struct stat info {};
    std::string link;  ///< target, of a symbolic link
};

/// One source after wildcards: a directory with everything in it (parents first, sorted), or one
/// file. Links at the source itself were followed within the tree, links inside it are items.
struct Source {
    std::string path;  ///< as matched, clean: "src/app.c"
    bool directory = false;
    std::vector<SourceItem> items;
};

/// The tree's contents are hostile: every access is by descriptor and stays beneath the root.
class SourceTree {
public:
    /// `root` stays the caller's. `ownership`: owners are part of what is copied (images), or are
    /// dropped (contexts).
    SourceTree(int root, oci::IgnorePatterns ignore, bool ownership)
        : root_(root), ignore_(std::move(ignore)), ownership_(ownership) {}

    /// Throws Error with docker's words when nothing is found or `pattern` leads out of the tree.
    [[nodiscard]] std::vector<Source> find(const std::string& pattern) const;
    /// Of types, modes, names, link targets, contents, and owners where they count; not of times.
    [[nodiscard]] Digest digest(const Source& source) const;
    /// Opens a regular file among the items. Throws when it is something else by now.
    [[nodiscard]] Fd open(const SourceItem& item) const;

    [[nodiscard]] int root() const { return root_; }
    [[nodiscard]] bool ownership() const { return ownership_; }

private:
    [[nodiscard]] std::vector<std::string> match(const std::string& pattern) const;
    [[nodiscard]] Source collect(const std::string& path) const;
    void walk(int parent, const std::string& path, const std::string& relative, Source& into) const;
    [[nodiscard]] const Digest& content(const SourceItem& item) const;

    int root_;
    oci::IgnorePatterns ignore_;
    bool ownership_;
    mutable std::map<std::string, Digest>
        contents_;  ///< files are read once however often they are copied
};

/// The sorted names in the directory `fd`, without "." and "..".
std::vector<std::string> directory_names(int fd);

}  // namespace brig::build
