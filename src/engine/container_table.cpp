// Look-up by Docker's rules, and the rows behind it.
#include "engine/container_table.h"

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "image/sqlite.h"

namespace brig::engine {

struct ContainerTable::Rows {
    explicit Rows(const std::filesystem::path& path) : database(path) {
        database.migrate("engine", {"CREATE TABLE containers ("
                                    "  id TEXT PRIMARY KEY,"
                                    "  name TEXT NOT NULL UNIQUE,"
                                    "  document TEXT NOT NULL"
                                    ") WITHOUT ROWID"});
        insert = database.prepare("INSERT INTO containers(id, name, document) VALUES (?, ?, ?)");
        update = database.prepare("UPDATE containers SET name = ?, document = ? WHERE id = ?");
        erase = database.prepare("DELETE FROM containers WHERE id = ?");
    }

    std::mutex mutex;
    sqlite::Database database;
    sqlite::Statement insert, update, erase;
};

ContainerTable::ContainerTable(const std::filesystem::path& database)
    : rows_(std::make_unique<Rows>(database)) {
    auto select = rows_->database.prepare("SELECT id, document FROM containers");
    while (select.next()) {
        try {
            auto container = std::make_shared<Container>(record_from_document(select.text(1)));
            ids_by_name_[container->record.name] = container->id;
            by_id_[container->id] = std::move(container);
        } catch (const Error& e) {
            log::error("container {} cannot be read and is left out: {}", select.text(0),
                       e.message());
            unreadable_.insert(select.text(0));
        }
    }
}

ContainerTable::~ContainerTable() = default;

ContainerPtr ContainerTable::find(const std::string& ref) const {
    const std::shared_lock lock(mutex_);
    if (const auto found = by_id_.find(ref); found != by_id_.end()) return found->second;
    const std::string name = ref.starts_with('/') ? ref.substr(1) : ref;
    if (const auto found = ids_by_name_.find(name); found != ids_by_name_.end()) {
        if (const auto container = by_id_.find(found->second); container != by_id_.end()) {
            return container->second;
        }
    }
    const auto first = ref.empty() ? by_id_.end() : by_id_.lower_bound(ref);
    if (first == by_id_.end() || !first->first.starts_with(ref)) {
        throw Error(ErrorKind::not_found, "No such container: {}", ref);
    }
    if (const auto second = std::next(first);
        second != by_id_.end() && second->first.starts_with(ref)) {
        throw Error(ErrorKind::invalid_argument, "multiple IDs found with provided prefix: {}",
                    ref);
    }
    return first->second;
}

ContainerPtr ContainerTable::find_id(const std::string& id) const {
    const std::shared_lock lock(mutex_);
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : found->second;
}

bool ContainerTable::owns(const std::string& id) const {
    return find_id(id) != nullptr || unreadable_.contains(id);
}

std::vector<ContainerPtr> ContainerTable::all() const {
    std::vector<ContainerPtr> out;
    {
        const std::shared_lock lock(mutex_);
        out.reserve(by_id_.size());
        for (const auto& [id, container] : by_id_) out.push_back(container);
    }
    std::ranges::stable_sort(out,
                             [](const auto& a, const auto& b) { return a->created > b->created; });
    return out;
}

bool ContainerTable::try_reserve_name(const std::string& name, const std::string& id) {
    const std::unique_lock lock(mutex_);
    return ids_by_name_.emplace(name, id).second;
}

void ContainerTable::reserve_name(const std::string& name, const std::string& id) {
    const std::unique_lock lock(mutex_);
    const auto [at, inserted] = ids_by_name_.emplace(name, id);
    if (inserted) return;
    throw Error(
        ErrorKind::conflict,
        "Conflict. The container name \"/{}\" is already in use by container \"{}\". You have to "
        "remove (or rename) that container to be able to reuse that name.",
        name, at->second);
}

void ContainerTable::release_name(const std::string& name) {
    const std::unique_lock lock(mutex_);
    ids_by_name_.erase(name);
}

ContainerPtr ContainerTable::insert(Record record) {
    const std::string document = to_document(record);
    auto container = std::make_shared<Container>(std::move(record));
    {
        const std::lock_guard lock(rows_->mutex);
        rows_->insert.bind(1, std::string_view(container->id))
            .bind(2, std::string_view(container->record.name))
            .bind(3, std::string_view(document))
            .run();
    }
    const std::unique_lock lock(mutex_);
    by_id_[container->id] = container;
    return container;
}

void ContainerTable::save(const Container& container) {
    try {
        const std::lock_guard lock(rows_->mutex);
        // Looked at under the lock: of two savers the later one knows more.
        const Record record = container.snapshot();
        const std::string document = to_document(record);
        rows_->update.bind(1, std::string_view(record.name))
            .bind(2, std::string_view(document))
            .bind(3, std::string_view(record.id))
            .run();
    } catch (const Error& e) {
        log::error("the state of container {} cannot be saved: {}", container.id, e.message());
    }
}

void ContainerTable::erase(Container& container) {
    const std::string name = container.name();
    {
        const std::lock_guard lock(rows_->mutex);
        rows_->erase.bind(1, std::string_view(container.id)).run();
    }
    const std::unique_lock lock(mutex_);
    by_id_.erase(container.id);
    if (const auto at = ids_by_name_.find(name);
        at != ids_by_name_.end() && at->second == container.id) {
        ids_by_name_.erase(at);
    }
}

void ContainerTable::rename(Container& container, const std::string& name) {
    reserve_name(name, container.id);
    std::string old;
    {
        const std::lock_guard lock(container.mutex);
        old = std::exchange(container.record.name, name);
    }
    save(container);
    release_name(old);
}

}  // namespace brig::engine
