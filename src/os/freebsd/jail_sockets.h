// Sockets that act inside a VNET jail, for the engine outside of it.
#pragma once

#include "base/fd.h"

namespace brig::os::freebsd_net {

struct JailSockets {
    Fd interfaces;
    Fd routes;
    Fd interfaces6;  ///< of IPv6, where that was wanted
};
/// A forked child enters the jail (which cannot be undone), opens the sockets there and passes
/// them back: no program of the jail's is needed, and what is in its file system does not matter.
JailSockets sockets_in_jail(int jail, bool ipv6);

}  // namespace brig::os::freebsd_net
