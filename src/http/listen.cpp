// Unix sockets: taking over a dead engine's socket file, never a live one's.
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "base/unix_socket.h"
#include "http/server.h"

namespace brig::http {
namespace {

bool answers(const sockaddr_un& address) {
    const Fd probe = unix_socket();
    return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

void give_to_group(const std::string& path, const std::string& name) {
    if (name.empty()) return;
    std::vector<char> buffer(16384);
    group entry{};
    group* found = nullptr;
    if (::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || !found) {
        log::debug("group {} does not exist: {} is root's alone", name, path);
        return;
    }
    if (::chown(path.c_str(), static_cast<uid_t>(-1), found->gr_gid) < 0) {
        log::warn("cannot give {} to group {}: {}", path, name, std::strerror(errno));
    }
}

}  // namespace

Fd listen_unix(const std::filesystem::path& path, mode_t mode, const std::string& group) {
    const auto name = path.string();
    const auto address = unix_address(name);
    if (answers(address)) {
        throw Error(ErrorKind::conflict, "another engine listens on {}", name);
    }
    if (::unlink(name.c_str()) < 0 && errno != ENOENT)
        throw SysError("remove stale socket {}", name);
    Fd fd = unix_socket();
    // Nobody can connect before listen(), so the time between bind and chmod gives nothing away.
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
        throw SysError("bind {}", name);
    }
    give_to_group(name, group);
    if (::chmod(name.c_str(), mode) < 0) throw SysError("chmod {}", name);
    if (::listen(fd.get(), 4096) < 0) throw SysError("listen on {}", name);
    return fd;
}

}  // namespace brig::http
