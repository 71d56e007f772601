// Unpacking a layer: tar entries to tree operations, whiteout names to deletions.
#include <sys/stat.h>

#include <optional>
#include <tuple>

#include "archive/layer.h"
#include "archive/nodes.h"
#include "archive/path_cursor.h"
#include "archive/tar_input.h"
#include "base/error.h"

namespace brig::archive {
namespace {

std::string joined(const std::vector<std::string>& parts, std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) out += (i == 0 ? "" : "/") + parts[i];
    return out;
}

/// Applies the entry if its name is a whiteout's; false for an ordinary entry.
bool apply_whiteout(TreeWriter& writer, const Entry& entry) {
    const auto parts = clean_path(entry.path);
    if (parts.empty()) return false;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
        if (parts[i].starts_with(whiteout_prefix)) {
            throw Error(ErrorKind::invalid_argument, "a whiteout cannot be a directory");
        }
    }
    const std::string& name = parts.back();
    if (!name.starts_with(whiteout_prefix)) return false;
    const std::string directory = joined(parts, parts.size() - 1);
    if (name == opaque_marker) {
        writer.opaque(directory);
        return true;
    }
    // Other names of this form are aufs' own bookkeeping in old layers.
    if (name.starts_with(whiteout_meta_prefix)) return true;
    const std::string deleted = name.substr(whiteout_prefix.size());
    if (deleted.empty() || deleted == "." || deleted == "..") {
        throw Error(ErrorKind::invalid_argument, "whiteout of no valid name");
    }
    writer.whiteout(directory.empty() ? deleted : directory + "/" + deleted);
    return true;
}

/// The entry where it is to go; nothing for the directory itself that all go into.
std::optional<Entry> placed(const Entry& entry, const ApplyOptions& options) {
    Entry out = entry;
    if (options.owner) std::tie(out.uid, out.gid) = *options.owner;
    if (options.directory.empty()) return out;
    if (clean_path(entry.path).empty()) return std::nullopt;
    out.path = options.directory + "/" + entry.path;
    if (entry.type == EntryType::hardlink) out.link = options.directory + "/" + entry.link;
    return out;
}

void check_kind(TreeWriter& writer, const Entry& entry) {
    const auto kind = writer.kind_of(entry.path);
    if (!kind || (*kind == S_IFDIR) == (entry.type == EntryType::directory)) return;
    throw Error(ErrorKind::invalid_argument, "cannot overwrite {} with {}",
                *kind == S_IFDIR ? "directory" : "non-directory",
                *kind == S_IFDIR ? "non-directory" : "directory");
}

}  // namespace

Applied apply_tar(Source& tar, const LayerTree& tree, const ApplyOptions& options) {
    TarInput input(tar, options.padding);
    TreeWriter writer(tree, options.devices);
    Applied done;
    const bool is_placed = !options.directory.empty() || options.owner;
    while (input.next()) {
        const Entry& entry = input.entry();
        try {
            if (++done.entries > options.limits.entries) {
                throw Error(ErrorKind::invalid_argument, "more than {} entries",
                            options.limits.entries);
            }
            if (options.whiteouts && apply_whiteout(writer, entry)) continue;
            if (entry.type == EntryType::file) done.bytes += entry.size.value_or(0);
            if (entry.type == EntryType::directory && clean_path(entry.path).empty())
                done.root = true;
            if (done.bytes > options.limits.bytes) {
                throw Error(ErrorKind::invalid_argument, "more than {} bytes of files",
                            options.limits.bytes);
            }
            auto* body = entry.type == EntryType::file ? &input.body() : nullptr;
            if (!is_placed) {
                writer.add(entry, body);
            } else if (const auto there = placed(entry, options)) {
                if (options.keep_kinds) check_kind(writer, *there);
                writer.add(*there, body);
            }
        } catch (const LateError&) {
            throw;
        } catch (const Error& e) {
            // The kind stays: a full disk is `unavailable`.
            throw e.within(entry.path);
        }
    }
    writer.finish();
    return done;
}

}  // namespace brig::archive
