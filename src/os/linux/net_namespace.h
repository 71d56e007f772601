// A new network namespace, made so that no thread of ours is ever left in one.
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

}  // namespace brig::os::linux_net
