// All containers: in memory for reading, written through to the metadata database.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <vector>

#include "engine/container.h"

namespace brig::engine {

/// Thread-safe. Names are unique, the database's constraint says so too.
class ContainerTable {
public:
    /// Reads all rows; one that cannot be read is logged and left out.
    explicit ContainerTable(const std::filesystem::path& database);
    ~ContainerTable();

    /// By id, name, or unambiguous prefix of an id. Throws not_found "No such container: REF",
    /// invalid_argument for a prefix of several.
    [[nodiscard]] ContainerPtr find(const std::string& ref) const;
    [[nodiscard]] ContainerPtr find_id(const std::string& id) const;
    /// Whether there is a row for it, be it one that cannot be read.
    [[nodiscard]] bool owns(const std::string& id) const;
    /// In the order of creation, newest first.
    [[nodiscard]] std::vector<ContainerPtr> all() const;

    /// Takes a name for a container that is being created. Throws conflict with docker's text.
    void reserve_name(const std::string& name, const std::string& id);
    /// False when it is taken.
    bool try_reserve_name(const std::string& name, const std::string& id);
    void release_name(const std::string& name);

    /// The name must be reserved. Throws what the database throws, with nothing changed.
    ContainerPtr insert(Record record);
    /// Writes the container's record as it is now. A failure is logged: memory is ahead then, and
    /// recovery mends what the next engine finds.
    void save(const Container& container);
    void erase(Container& container);
    void rename(Container& container, const std::string& name);

private:
    struct Rows;
    mutable std::shared_mutex mutex_;
    std::map<std::string, ContainerPtr> by_id_;
    std::map<std::string, std::string> ids_by_name_;
    std::set<std::string> unreadable_;
    std::unique_ptr<Rows> rows_;
};

}  // namespace brig::engine
