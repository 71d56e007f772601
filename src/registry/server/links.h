// A directory of small named files: how the registry remembers what a repository holds. Each is
// written whole or not at all; what a crash leaves of one is not listed.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace brig::registry::server {

class Links {
public:
    explicit Links(std::filesystem::path directory) : directory_(std::move(directory)) {}

    /// Names must be valid file names of at most 250 bytes.
    [[nodiscard]] std::optional<std::string> get(const std::string& name) const;
    void put(const std::string& name, std::string_view text, Durability durability) const;
    /// False where there was none.
    bool remove(const std::string& name) const;
    /// In ASCII order.
    [[nodiscard]] std::vector<std::string> list() const;
    /// Since it was written or touched; nothing where it is not.
    [[nodiscard]] std::optional<std::chrono::seconds> age(const std::string& name) const;
    void touch(const std::string& name) const;
    [[nodiscard]] bool exist() const;

private:
    [[nodiscard]] std::filesystem::path path(const std::string& name) const;
    std::filesystem::path directory_;
};

/// Since a file was last written; nothing where it is not.
std::optional<std::chrono::seconds> age_of(const std::filesystem::path& path);

}  // namespace brig::registry::server
