// See revisit.h.
#include "archive/revisit.h"

#include "archive/nodes.h"
#include "base/strings.h"

namespace brig::archive {

std::optional<Revisit::Found> Revisit::find(const std::string& path) {
    const auto parts = path.empty() ? std::vector<std::string>{"."} : split(path, '/');
    std::size_t depth = 0;
    while (depth < above_.size() && depth + 1 < parts.size() && above_[depth].first == parts[depth])
        ++depth;
    above_.erase(above_.begin() + static_cast<std::ptrdiff_t>(depth), above_.end());
    for (; depth + 1 < parts.size(); ++depth) {
        Fd inside = open_directory_at(top(), parts[depth]);
        if (!inside) return std::nullopt;
        above_.emplace_back(parts[depth], std::move(inside));
    }
    const auto info = stat_at(top(), parts.back());
    if (!info) return std::nullopt;
    return Found{top(), parts.back(), *info};
}

}  // namespace brig::archive
