// Variables and labels from flags and files, with docker's rules.
#pragma once

#include <string>
#include <vector>

namespace brig::cli {

/// Lines of NAME=VALUE; a bare NAME takes our own environment's value or is left out; '#' begins
/// a comment line. Throws Error naming the file and the line at fault.
std::vector<std::string> read_env_file(const std::string& path);
/// The same for labels: a bare NAME stays as it is.
std::vector<std::string> read_label_file(const std::string& path);
/// A -e value: "NAME" becomes "NAME=value" of our environment where it is set. Throws BadValue.
std::string resolve_env(const std::string& text);

}  // namespace brig::cli
