// What drivers that keep one directory per snapshot share: numbers for keys, a small text file per
// snapshot, and the repair of what a crash left half-made.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "snapshot/snapshotter.h"

namespace brig::snapshot {

/// On disk ROOT/N/ is snapshot number N. Its file `meta` (kind, key, parent's number, time) is
/// written last when it is made and first removed when it goes: a directory without a whole one is
/// rubbish. Thread-safe.
class Catalog {
public:
    struct Record {
        std::uint64_t id;
        Kind kind;
        std::string key;
        std::optional<std::uint64_t> parent;
        Instant created;
    };

    /// Reads all records and removes rubbish.
    explicit Catalog(std::filesystem::path root);

    /// Gives no snapshot a number up to `id`.
    void skip(std::uint64_t id);
    /// Reserves `key` with a fresh number and an empty directory; publish() or abandon() follows.
    /// Throws already_exists, not_found or failed_precondition as Snapshotter::prepare.
    Record reserve(const std::string& key, const std::optional<std::string>& parent, Kind kind);
    void publish(const Record& record);
    void abandon(const Record& record) noexcept;

    /// Throws as Snapshotter::rebase.
    void rebase(const std::string& key, const std::string& parent);
    /// Throws as Snapshotter::commit.
    void commit(const std::string& name, const std::string& key);
    /// Takes the snapshot out of the catalog and its directory out of sight; the caller deletes the
    /// directory returned.
    std::filesystem::path take_out(const std::string& key);

    [[nodiscard]] Record get(const std::string& key) const;
    [[nodiscard]] std::optional<Info> stat(const std::string& key) const;
    [[nodiscard]] std::vector<Info> list() const;
    /// Parents, nearest first.
    [[nodiscard]] std::vector<std::uint64_t> ancestors(const Record& record) const;
    [[nodiscard]] std::filesystem::path directory(std::uint64_t id) const;

private:
    void load();
    [[nodiscard]] const Record& find(const std::string& key) const;
    [[nodiscard]] std::uint64_t parent_id(const std::string& key) const;
    void rewrite(const Record& record) const;
    [[nodiscard]] Info info_of(const Record& record) const;

    std::filesystem::path root_;
    mutable std::mutex mutex_;
    std::map<std::string, std::uint64_t> by_key_;
    std::map<std::uint64_t, Record> by_id_;
    std::map<std::uint64_t, std::size_t> children_;
    std::uint64_t next_id_ = 1;
};

/// Bytes and inodes of a tree, or of what changed in it since a time; hard links counted once.
Usage usage_of(const std::filesystem::path& directory,
               const std::optional<timespec>& since = std::nullopt);

}  // namespace brig::snapshot
