// Network namespaces for containers, entered so that no thread of ours is ever left in one.
#pragma once

#include "base/fd.h"
#include "os/linux/netlink.h"

namespace brig::os::linux_net {

struct NetNamespace {
    Fd handle;             ///< what setns(2) takes
    NetlinkSocket socket;  ///< works inside it from any thread
};

/// With its loopback up, IPv6 off for interfaces made later unless it is wanted, and docker's
/// defaults for unprivileged ports and ping. Throws SysError.
NetNamespace make_net_namespace(bool ipv6 = false);
/// That of a process, made like one of ours: for a container in a user namespace, which has rights
/// over its network only where that was made in there.
NetNamespace adopt_net_namespace(int pid, bool ipv6);

}  // namespace brig::os::linux_net
