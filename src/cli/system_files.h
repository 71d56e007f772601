// Changes to an administrator's configuration files as text: what is there stays, but for the lines
// that say otherwise.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace brig::cli {

using Settings = std::vector<std::pair<std::string, std::string>>;

/// rc.conf, loader.conf, sysctl.conf: the last assignment to a name counts, so that one is changed,
/// and what is missing is added at the end.
std::string with_assignments(std::string_view text, const Settings& settings);

/// pf.conf: "nat-anchor" and "rdr-anchor" lines after the last translation rule, or before the
/// first filter rule; "anchor" lines at the end. No other line is touched.
std::string with_anchors(std::string_view text, const Settings& anchors);

/// What `diff -u` shows, with the whole file as one piece and at most `context` equal lines in a
/// row around changes. Empty when the texts are equal.
std::string unified_diff(const std::string& name, std::string_view before, std::string_view after,
                         std::size_t context = 2);

}  // namespace brig::cli
