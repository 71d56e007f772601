// See sqlite.h.
#include "image/sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/error.h"
#include "base/fd.h"

namespace brig::sqlite {
namespace {

ErrorKind kind_of(int code) {
    switch (code & 0xff) {
        case SQLITE_CONSTRAINT: return ErrorKind::already_exists;
        case SQLITE_FULL:
        case SQLITE_BUSY: return ErrorKind::unavailable;
        case SQLITE_READONLY:
        case SQLITE_PERM: return ErrorKind::permission_denied;
        default: return ErrorKind::internal;
    }
}

[[noreturn]] void fail(sqlite3* connection, std::string_view what) {
    const char* file = connection != nullptr ? ::sqlite3_db_filename(connection, "main") : nullptr;
    throw Error(kind_of(::sqlite3_errcode(connection)), "{} {}: {}", what,
                file != nullptr ? file : "", ::sqlite3_errmsg(connection));
}

/// Containers' environments are in here, so nobody else may read it. SQLite gives its side files
/// the database's mode; those of an earlier version are set right. An existing database is not
/// opened: closing it would drop the locks that other connections of this process hold on it.
void keep_private(const std::filesystem::path& path) {
    const Fd made(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    for (const char* suffix : {"", "-wal", "-shm"}) {
        const std::string file = path.string() + suffix;
        if (::chmod(file.c_str(), 0600) != 0 && errno != ENOENT)
            throw SysError("change the mode of {}", file);
    }
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
    ::sqlite3_finalize(statement);
}
void Database::Close::operator()(sqlite3* connection) const { ::sqlite3_close_v2(connection); }

Statement& Statement::bind(int position, std::string_view text) {
    ::sqlite3_bind_text(statement_.get(), position, text.data(), static_cast<int>(text.size()),
                        SQLITE_TRANSIENT);
    return *this;
}

Statement& Statement::bind(int position, std::int64_t number) {
    ::sqlite3_bind_int64(statement_.get(), position, number);
    return *this;
}

Statement& Statement::bind(int position, const std::optional<std::string>& text) {
    if (text) return bind(position, std::string_view(*text));
    ::sqlite3_bind_null(statement_.get(), position);
    return *this;
}

bool Statement::next() {
    const int result = ::sqlite3_step(statement_.get());
    if (result == SQLITE_ROW) return true;
    if (result == SQLITE_DONE) return false;
    fail(::sqlite3_db_handle(statement_.get()), "database");
}

void Statement::run() {
    while (next()) {
    }
    reset();
}

void Statement::reset() { ::sqlite3_reset(statement_.get()); }

std::string Statement::text(int column) const { return optional_text(column).value_or(""); }

std::optional<std::string> Statement::optional_text(int column) const {
    const auto* text =
        reinterpret_cast<const char*>(::sqlite3_column_text(statement_.get(), column));
    if (text == nullptr) return std::nullopt;
    return std::string(text,
                       static_cast<std::size_t>(::sqlite3_column_bytes(statement_.get(), column)));
}

std::int64_t Statement::integer(int column) const {
    return ::sqlite3_column_int64(statement_.get(), column);
}

Database::Database(const std::filesystem::path& path) {
    keep_private(path);
    sqlite3* connection = nullptr;
    // The one process that uses a store keeps the log's index in memory of its own: as a file it is
    // mapped, and where the disk is full, to touch it can mean SIGBUS.
    const int result = ::sqlite3_open_v2(
        path.c_str(), &connection, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
        "unix-excl");
    connection_.reset(connection);
    if (result != SQLITE_OK) fail(connection, "open database");
    ::sqlite3_busy_timeout(connection, 10'000);
    // The log stays between runs, and with it the room that it takes on the disk.
    int keep = 1;
    ::sqlite3_file_control(connection, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
    execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;");
    execute(
        "CREATE TABLE IF NOT EXISTS schema_versions("
        "component TEXT PRIMARY KEY, version INTEGER NOT NULL);");
}

Statement Database::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    if (::sqlite3_prepare_v2(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                             &statement, nullptr) != SQLITE_OK) {
        fail(connection_.get(), "database");
    }
    Statement out;
    out.statement_.reset(statement);
    return out;
}

void Database::execute(const std::string& sql) {
    if (::sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
        fail(connection_.get(), "database");
    }
}

void Database::transaction(const std::function<void()>& work) {
    execute("BEGIN IMMEDIATE");
    try {
        work();
        execute("COMMIT");
    } catch (...) {
        ::sqlite3_exec(connection_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
        throw;
    }
}

void Database::migrate(std::string_view component, std::initializer_list<const char*> steps) {
    // The version is read under the write lock: another connection may be migrating.
    transaction([&] {
        std::int64_t version = 0;
        auto select = prepare("SELECT version FROM schema_versions WHERE component = ?");
        select.bind(1, component);
        if (select.next()) version = select.integer(0);
        if (version > static_cast<std::int64_t>(steps.size())) {
            throw Error(ErrorKind::failed_precondition,
                        "the database was written by a newer version (its {} tables have "
                        "version {}, this program knows {})",
                        component, version, steps.size());
        }
        // Nothing is written where nothing changes: an engine has to start on a full disk.
        if (version == static_cast<std::int64_t>(steps.size())) return;
        for (auto step = static_cast<std::size_t>(version); step < steps.size(); ++step) {
            execute(*(steps.begin() + static_cast<std::ptrdiff_t>(step)));
        }
        prepare(
            "INSERT INTO schema_versions VALUES(?1, ?2) ON CONFLICT(component) DO UPDATE SET "
            "version = ?2")
            .bind(1, component)
            .bind(2, static_cast<std::int64_t>(steps.size()))
            .run();
    });
}

}  // namespace brig::sqlite
