// Whole-file operations that leave either the old state or the new one, whatever dies when.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "base/fd.h"

namespace brig {

/// Reads a whole file. Throws SysError (not_found when absent) or invalid_argument past `limit`.
std::string read_file(const std::filesystem::path& path, std::size_t limit = 64U << 20U);

enum class Durability { rebuildable, durable };

/// Writes to a temporary name beside `path` and renames it into place; `durable` also fsyncs the
/// file and its directory before returning. Throws SysError and removes the temporary.
void write_file_atomic(const std::filesystem::path& path, std::string_view data, mode_t mode = 0600,
                       Durability durability = Durability::durable);

/// mkdir -p with `mode` for what it creates. Throws SysError.
void make_directories(const std::filesystem::path& path, mode_t mode = 0700);

/// Removes a tree without following symbolic links; absent is fine. Throws SysError.
void remove_tree(const std::filesystem::path& path);

/// A private directory removed with everything in it at the end of its owner's life.
class TempDir {
public:
    /// Made beneath `parent` with the prefix given. Throws SysError.
    explicit TempDir(const std::filesystem::path& parent, std::string_view prefix = "tmp");
    /// Takes over one that there is.
    static TempDir adopt(std::filesystem::path path) { return TempDir(Adopted{std::move(path)}); }
    TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    TempDir& operator=(TempDir&&) = delete;
    ~TempDir();
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    /// Gives the directory away (for instance after renaming it into place).
    std::filesystem::path release() { return std::exchange(path_, {}); }

private:
    struct Adopted {
        std::filesystem::path path;
    };
    explicit TempDir(Adopted adopted) : path_(std::move(adopted.path)) {}
    std::filesystem::path path_;
};

/// An exclusive flock(2) on a file, held until destruction; a dying process lets go by itself.
class FileLock {
public:
    /// Waits for the lock. Throws SysError.
    static FileLock acquire(const std::filesystem::path& path);
    /// Throws Error{conflict} naming the path when another process holds it.
    static FileLock try_acquire(const std::filesystem::path& path);

private:
    explicit FileLock(Fd fd) : fd_(std::move(fd)) {}
    Fd fd_;
};

}  // namespace brig
