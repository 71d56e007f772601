// The routing socket (route(4)) has a message for each change; what it says in detail is not looked
// at, since the addresses have to be listed anyway.
#include "os/freebsd/address_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/param.h>
#include <sys/socket.h>

#include <net/if.h>
#include <net/route.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/error.h"
#include "base/log.h"

namespace brig::os::freebsd_net {
namespace {

/// An interface and its addresses come in several steps.
constexpr int settled_milliseconds = 300;

Fd listening_socket() {
    Fd socket(::socket(PF_ROUTE, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, AF_UNSPEC));
    if (!socket) throw SysError("open a routing socket");
    return socket;
}

/// Reads all that there is; whether any of it concerns us.
bool read_changes(int socket) {
    bool any = false;
    std::array<char, 4096> message;
    for (;;) {
        const auto size = ::read(socket, message.data(), message.size());
        if (size < 0 && errno == ENOBUFS) {
            any = true;  // some were lost
            continue;
        }
        if (size < static_cast<ssize_t>(offsetof(rt_msghdr, rtm_index))) return any;
        const auto type = reinterpret_cast<const rt_msghdr*>(message.data())->rtm_type;
        any = any || type == RTM_NEWADDR || type == RTM_DELADDR || type == RTM_IFINFO;
    }
}

}  // namespace

AddressWatch::AddressWatch(std::function<void()> changed)
    : changed_(std::move(changed)), routes_(listening_socket()), stop_(make_pipe()) {
    thread_ = std::thread([this] { watch(); });
}

AddressWatch::~AddressWatch() {
    stop_.second.reset();
    thread_.join();
}

void AddressWatch::watch() const {
    bool pending = false;
    for (;;) {
        std::array<pollfd, 2> waiting{{{routes_.get(), POLLIN, 0}, {stop_.first.get(), POLLIN, 0}}};
        const int ready = ::poll(waiting.data(), 2, pending ? settled_milliseconds : -1);
        if (ready < 0 && errno != EINTR) {
            log::warn("{}", SysError("wait for changes of network interfaces").message());
            return;
        }
        if (ready > 0 && waiting[1].revents != 0) return;
        if (ready > 0 && read_changes(routes_.get())) pending = true;
        if (ready == 0) {
            pending = false;
            changed_();
        }
    }
}

}  // namespace brig::os::freebsd_net
