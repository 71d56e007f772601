#include "build/cache.h"

#include <cstdint>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

namespace brig::build {
namespace {

sqlite::Database open_database(const std::filesystem::path& file) {
    sqlite::Database database(file);
    database.migrate(
        "build",
        {"CREATE TABLE build_step (key TEXT PRIMARY KEY, image TEXT NOT NULL) WITHOUT ROWID",
         "CREATE TABLE build_result (image TEXT PRIMARY KEY) WITHOUT ROWID"});
    return database;
}

}  // namespace

std::string step_key(const std::vector<std::string>& fields) {
    Sha256 hasher;
    for (const auto& field : fields) {
        hasher.update(std::to_string(field.size()));
        hasher.update(":");
        hasher.update(field);
    }
    return std::string(hasher.digest().hex());
}

Cache::Cache(const std::filesystem::path& file) {
    try {
        database_.emplace(open_database(file));
    } catch (const Error& error) {
        log::warn("the build cache starts empty: {}", error.message());
        for (const auto* suffix : {"", "-wal", "-shm"}) remove_tree(file.string() + suffix);
        database_.emplace(open_database(file));
    }
}

std::optional<Digest> Cache::find(const std::string& key) {
    const std::lock_guard lock(mutex_);
    auto statement = database_->prepare("SELECT image FROM build_step WHERE key = ?");
    if (!statement.bind(1, key).next()) return std::nullopt;
    return Digest::parse(statement.text(0));
}

void Cache::store(const std::string& key, const Digest& image) {
    const std::lock_guard lock(mutex_);
    database_->prepare("INSERT OR REPLACE INTO build_step VALUES (?, ?)")
        .bind(1, key)
        .bind(2, image.str())
        .run();
}

void Cache::forget(const std::string& key) {
    const std::lock_guard lock(mutex_);
    database_->prepare("DELETE FROM build_step WHERE key = ?").bind(1, key).run();
}

bool Cache::is_result(const Digest& image) {
    const std::lock_guard lock(mutex_);
    return database_->prepare("SELECT 1 FROM build_result WHERE image = ?")
        .bind(1, image.str())
        .next();
}

void Cache::store_result(const Digest& image) {
    const std::lock_guard lock(mutex_);
    database_->prepare("INSERT OR IGNORE INTO build_result VALUES (?)").bind(1, image.str()).run();
}

void Cache::clear() {
    const std::lock_guard lock(mutex_);
    database_->transaction([&] {
        database_->execute("DELETE FROM build_step");
        database_->execute("DELETE FROM build_result");
    });
}

}  // namespace brig::build
