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

NetNamespace enter_new(bool ipv6) {
    if (::unshare(CLONE_NEWNET) != 0) throw SysError("create a network namespace");
    auto handle = open_file("/proc/thread-self/ns/net", O_RDONLY);
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

}  // namespace

NetNamespace make_net_namespace(bool ipv6) {
    // The thread that enters the namespace ends with it; there is no way back that could fail.
    std::optional<NetNamespace> made;
    std::exception_ptr failure;
    std::thread([&] {
        try {
            made.emplace(enter_new(ipv6));
        } catch (...) {
            failure = std::current_exception();
        }
    }).join();
    if (failure) std::rethrow_exception(failure);
    return std::move(*made);
}

}  // namespace brig::os::linux_net
