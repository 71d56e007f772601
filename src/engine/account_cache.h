// The account files of images, kept in memory: every start needs them, and reading them from an
// image takes a mount.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "engine/users.h"

namespace brig::engine {

/// Thread-safe; holds a bounded number of images.
class AccountCache {
public:
    [[nodiscard]] std::optional<Accounts> find(const std::string& image) const {
        const std::lock_guard lock(mutex_);
        const auto found = known_.find(image);
        return found == known_.end() ? std::nullopt : std::optional(found->second);
    }
    void put(const std::string& image, Accounts accounts) {
        const std::lock_guard lock(mutex_);
        if (known_.size() >= 128) known_.clear();
        known_.insert_or_assign(image, std::move(accounts));
    }

private:
    mutable std::mutex mutex_;
    std::map<std::string, Accounts> known_;
};

}  // namespace brig::engine
