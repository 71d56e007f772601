// See output_file.h.
#include "cli/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "base/defer.h"
#include "base/error.h"
#include "base/fd.h"
#include "cli/command.h"

namespace brig::cli {
namespace {

std::string_view kind_of(mode_t mode) {
    switch (mode & S_IFMT) {
        case S_IFDIR: return "a directory";
        case S_IFLNK: return "a symbolic link directly";
        case S_IFCHR: return "a character device file";
        case S_IFBLK: return "a block device file";
        case S_IFIFO: return "a named pipe (FIFO)";
        case S_IFSOCK: return "a socket";
        default: return "something that is no file";
    }
}

void check_replaceable(const std::string& path, std::string_view failed) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
        throw Failure(1, fmt::format("{}: cannot write to {}", failed, kind_of(info.st_mode)));
}

void copy(client::Exchange& exchange, int fd) {
    for (auto piece = exchange.read(); !piece.empty(); piece = exchange.read())
        write_all(fd, piece);
}

}  // namespace

void write_output(client::Exchange& exchange, const std::string& path, std::string_view failed) {
    exchange.response();
    if (path.empty()) return copy(exchange, STDOUT_FILENO);
    check_replaceable(path, failed);
    std::string temporary = path + ".XXXXXX";
    const Fd file(::mkostemp(temporary.data(), O_CLOEXEC));
    if (!file) throw SysError("create {}", temporary);
    Defer remove([&] { ::unlink(temporary.c_str()); });
    copy(exchange, file.get());
    if (::rename(temporary.c_str(), path.c_str()) != 0)
        throw SysError("rename {} to {}", temporary, path);
    remove.dismiss();
}

}  // namespace brig::cli
