// Atomic replacement, trees and locks.
#include "base/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/directory.h"
#include "base/error.h"
#include "base/log.h"
#include "base/new_file.h"

namespace brig {
namespace fs = std::filesystem;

std::string read_file(const fs::path& path, std::size_t limit) {
    const Fd file = open_file(path.string(), O_RDONLY);
    try {
        return read_to_end(file.get(), limit);
    } catch (const Error& e) {
        throw e.within(path.string());
    }
}

void write_file_atomic(const fs::path& path, std::string_view data, mode_t mode,
                       Durability durability) {
    NewFile file(path.string());
    if (::fchmod(file.fd(), mode) != 0) throw SysError("set the mode of {}", file.temporary());
    write_all(file.fd(), data);
    const bool durable = durability == Durability::durable;
    if (durable && ::fsync(file.fd()) != 0) throw SysError("flush {}", file.temporary());
    file.commit();
    if (durable) {
        const Fd parent = open_file(path.parent_path().string(), O_RDONLY | O_DIRECTORY);
        if (::fsync(parent.get()) != 0) throw SysError("flush {}", path.parent_path().string());
    }
}

void make_directories(const fs::path& path, mode_t mode) {
    if (path.empty()) return;
    if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return;
    if (errno != ENOENT) throw SysError("create directory {}", path.string());
    make_directories(path.parent_path(), mode);
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) {
        throw SysError("create directory {}", path.string());
    }
}

void remove_tree(const fs::path& path) {
    try {
        remove_tree_at(AT_FDCWD, path);
    } catch (const Error& e) {
        throw e.within(path.string());
    }
}

TempDir::TempDir(const fs::path& parent, std::string_view prefix) {
    std::string name = (parent / (std::string(prefix) + "-XXXXXX")).string();
    if (::mkdtemp(name.data()) == nullptr) throw SysError("create directory {}", name);
    path_ = name;
}

TempDir::~TempDir() {
    if (path_.empty()) return;
    try {
        remove_tree(path_);
    } catch (const Error& e) {
        log::warn("{}", e.message());
    }
}

FileLock FileLock::acquire(const fs::path& path) {
    Fd file = open_file(path.string(), O_RDWR | O_CREAT, 0600);
    while (::flock(file.get(), LOCK_EX) != 0) {
        if (errno != EINTR) throw SysError("lock {}", path.string());
    }
    return FileLock(std::move(file));
}

FileLock FileLock::try_acquire(const fs::path& path) {
    Fd file = open_file(path.string(), O_RDWR | O_CREAT, 0600);
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) {
            throw Error(ErrorKind::conflict, "{} is locked by another process", path.string());
        }
        throw SysError("lock {}", path.string());
    }
    return FileLock(std::move(file));
}

}  // namespace brig
