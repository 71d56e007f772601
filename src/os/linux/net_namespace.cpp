#include "os/linux/net_namespace.h"

#include <fcntl.h>
#include <sched.h>

#include <exception>
#include <optional>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "os/linux/link_requests.h"

namespace brig::os::linux_net {
namespace {

void set(const char* name, std::string_view value) {
    try {
        write_all(open_file(std::string("/proc/sys/net/") + name, O_WRONLY).get(), value);
    } catch (const Error& error) {
        log::debug("new network namespace: {}", error.message());  // no IPv6, or an old kernel
    }
}

Fd enter_new() {
    if (::unshare(CLONE_NEWNET) != 0) throw SysError("create a network namespace");
    return open_file("/proc/thread-self/ns/net", O_RDONLY);
}

Fd enter_that_of(int pid) {
    Fd handle = open_file(fmt::format("/proc/{}/ns/net", pid), O_RDONLY);
    if (::setns(handle.get(), CLONE_NEWNET) != 0)
        throw SysError("enter the network namespace of process {}", pid);
    return handle;
}

NetNamespace prepare(Fd handle, bool ipv6) {
    if (ipv6) {
        // Addresses and routes are ours to give: no neighbour may pose as a router.
        set("ipv6/conf/default/accept_ra", "0");
    } else {
        set("ipv6/conf/default/disable_ipv6", "1");
    }
    set("ipv4/ip_unprivileged_port_start", "0");
    set("ipv4/ping_group_range", "0 2147483647");
    NetNamespace made{std::move(handle), NetlinkSocket::open()};
    NetlinkBatch batch;
    set_up(batch, 1, "loopback");  // always the first
    made.socket.run(std::move(batch));
    return made;
}

/// The thread that enters the namespace ends with it; there is no way back that could fail.
template <typename Enter>
NetNamespace on_own_thread(Enter enter, bool ipv6) {
    std::optional<NetNamespace> made;
    std::exception_ptr failure;
    std::thread([&] {
        try {
            made.emplace(prepare(enter(), ipv6));
        } catch (...) {
            failure = std::current_exception();
        }
    }).join();
    if (failure) std::rethrow_exception(failure);
    return std::move(*made);
}

}  // namespace

NetNamespace make_net_namespace(bool ipv6) { return on_own_thread(enter_new, ipv6); }

NetNamespace adopt_net_namespace(int pid, bool ipv6) {
    return on_own_thread([pid] { return enter_that_of(pid); }, ipv6);
}

}  // namespace brig::os::linux_net
