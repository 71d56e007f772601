// Which image a step gave the last time: an index from a step's key to an image. The images
// themselves are the store's; an entry whose image has gone is a miss.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "image/sqlite.h"

namespace brig::build {

/// Everything that a step's result depends on, as one digest. The fields are delimited, so that no
/// two lists of fields collide.
std::string step_key(const std::vector<std::string>& fields);

/// Thread-safe. Losing it costs time, never correctness: a damaged file is replaced, and entries
/// are not flushed to disk one by one.
class Cache {
public:
    explicit Cache(const std::filesystem::path& file);

    std::optional<Digest> find(const std::string& key);
    void store(const std::string& key, const Digest& image);
    void forget(const std::string& key);
    /// Whether the image has been made durable as some build's result.
    bool is_result(const Digest& image);
    void store_result(const Digest& image);
    void clear();

private:
    std::mutex mutex_;
    std::optional<sqlite::Database> database_;
};

}  // namespace brig::build
