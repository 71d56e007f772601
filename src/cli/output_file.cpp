// See output_file.h.
#include "cli/output_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/new_file.h"
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
    NewFile file(path);
    copy(exchange, file.fd());
    file.commit();
}

}  // namespace brig::cli
