// Operations on single directory entries that unpacking and layer writing share. Nothing here
// follows a symbolic link.
#pragma once

#include <sys/stat.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "archive/layer_tree.h"
#include "base/fd.h"

namespace brig::archive {

inline constexpr std::string_view whiteout_prefix = ".wh.";
inline constexpr std::string_view whiteout_meta_prefix = ".wh..wh.";
inline constexpr std::string_view opaque_marker = ".wh..wh..opq";
inline constexpr const char* opaque_xattr = "trusted.overlay.opaque";

/// fstatat without following; nothing when absent. Throws SysError.
std::optional<struct stat> stat_at(int directory, const std::string& name);
/// The file behind overlayfs' mark for "deleted here".
bool is_whiteout(const struct stat& info);
bool is_opaque(int directory, const std::string& name);
using Xattrs = std::vector<std::pair<std::string, std::string>>;
/// Only these leave or enter an archive: overlay's own attributes would let a layer redirect
/// lookups, and other namespaces are the host's. Sorted.
Xattrs portable_xattrs(int directory, const std::string& name);
/// Gives a node that has the mode `mode` those of `xattrs` that are portable and that the file
/// system can hold. Where it holds no ACL, the mode gives the owning group no more than that did.
void set_portable_xattrs(int directory, const std::string& name, mode_t mode, const Xattrs& xattrs);
/// Takes away what a node got from the default ACL of its directory, or had before.
void drop_acls(int directory, const std::string& name);

/// Opens a directory for *at calls; an empty Fd when `name` is absent or not a directory.
/// Throws SysError.
Fd open_directory_at(int directory, const std::string& name);
/// How deep a tree may be that is walked: each level takes a descriptor and a piece of the stack,
/// and a container can nest directories until the file system is full.
inline constexpr std::size_t max_depth = 256;
/// open_directory_at for a walk that has come to `path`. Throws Error{invalid_argument} where that
/// is deeper than max_depth.
Fd enter_directory_at(int directory, const std::string& name, const std::string& path);
std::string link_text(int directory, const std::string& name);

/// Looks `path` (no links, no "..") up in a stack of overlay layers, nearest first, as overlayfs
/// would: whiteouts and opaque directories hide what is further down.
struct LowerNode {
    Fd directory;
    std::string name;
    struct stat info;
};
std::optional<LowerNode> find_in_lowers(const std::vector<Fd>& lowers, const std::string& path);

}  // namespace brig::archive
