// Files of this machine as a tar, and back: brig cp's share of the work.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "cli/tar_writer.h"

namespace brig::cli {

/// Writes `path`, with what is in it, under the name `as` ("." for a directory's contents alone).
void pack_files(const std::filesystem::path& path, const std::string& as, const TarSink& sink);

struct Unpacking {
    std::filesystem::path directory;  ///< exists; nothing is written outside of it
    std::string from, to;             ///< the first name's beginning and what takes its place
    bool owners = false;              ///< with the archive's owners, else ours
};
/// Unpacks the tar that `read` gives piece by piece, an empty one at its end. The archive is a
/// container's, so hostile: names with "..", and ways through links, are refused.
void unpack_files(const Unpacking& wanted, const std::function<std::string_view()>& read);

}  // namespace brig::cli
