// Users and passwords from a file that htpasswd(1) wrote (-B: bcrypt).
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "base/digest.h"

namespace brig::registry::server {

/// Thread-safe.
class Htpasswd {
public:
    /// Throws Error naming file and line.
    explicit Htpasswd(const std::filesystem::path& file);
    /// Whether an Authorization header ("Basic …") has a user's password.
    bool admits(const std::string& authorization);

private:
    std::map<std::string, std::string> hashes_;  ///< by user
    std::mutex mutex_;
    std::set<Digest> known_;  ///< headers that were right: asking bcrypt takes a tenth of a second
};

}  // namespace brig::registry::server
