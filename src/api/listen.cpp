// Unix sockets: taking over a dead engine's socket file, never a live one's.
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "api/server.h"
#include "base/error.h"
#include "base/log.h"

namespace brig::api {
namespace {

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        throw Error(ErrorKind::invalid_argument, "socket path {} is longer than {} bytes", path,
                    sizeof address.sun_path - 1);
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

Fd new_socket() {
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) throw SysError("create a unix socket");
    return fd;
}

bool answers(const sockaddr_un& address) {
    const Fd probe = new_socket();
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
    const auto address = address_of(name);
    if (answers(address)) {
        throw Error(ErrorKind::conflict, "another engine listens on {}", name);
    }
    if (::unlink(name.c_str()) < 0 && errno != ENOENT)
        throw SysError("remove stale socket {}", name);
    Fd fd = new_socket();
    // Nobody can connect before listen(), so the time between bind and chmod gives nothing away.
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
        throw SysError("bind {}", name);
    }
    give_to_group(name, group);
    if (::chmod(name.c_str(), mode) < 0) throw SysError("chmod {}", name);
    if (::listen(fd.get(), 4096) < 0) throw SysError("listen on {}", name);
    return fd;
}

}  // namespace brig::api
