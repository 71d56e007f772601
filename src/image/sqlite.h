// SQLite as owned objects and exceptions. Lives here, the first layer with tables; the engine
// keeps its own tables in the same file through its own Database.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace brig::sqlite {

class Database;

/// One prepared statement, bound by position from 1.
class Statement {
public:
    Statement& bind(int position, std::string_view text);
    Statement& bind(int position, const std::string& text) {
        return bind(position, std::string_view(text));
    }
    Statement& bind(int position, std::int64_t number);
    Statement& bind(int position, const std::optional<std::string>& text);
    /// Steps to the next row; false at the end. Throws Error (constraint → already_exists, a full
    /// disk → unavailable).
    bool next();
    /// Runs to the end, for statements without rows, and makes it ready to be bound again.
    void run();
    void reset();

    [[nodiscard]] std::string text(int column) const;
    [[nodiscard]] std::optional<std::string> optional_text(int column) const;
    [[nodiscard]] std::int64_t integer(int column) const;

private:
    friend class Database;
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// A connection in WAL mode with synchronous=NORMAL. Not thread-safe: its owner locks.
class Database {
public:
    /// Opens or creates the file. Throws Error naming it.
    explicit Database(const std::filesystem::path& path);

    Statement prepare(std::string_view sql);
    void execute(const std::string& sql);
    /// Commits when `work` returns, rolls back when it throws.
    void transaction(const std::function<void()>& work);
    /// Runs the migrations of `component` that have not run yet, each in a transaction; their
    /// number is its schema version.
    void migrate(std::string_view component, std::initializer_list<const char*> steps);

private:
    struct Close {
        void operator()(sqlite3* connection) const;
    };
    std::unique_ptr<sqlite3, Close> connection_;
};

}  // namespace brig::sqlite
