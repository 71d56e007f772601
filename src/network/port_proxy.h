// Published ports for the programs of this host itself, on a kernel whose firewall redirects
// only what comes from elsewhere: accepted on the socket that holds the port anyway, and carried to
// the container: connections of TCP, and datagrams of UDP with what comes back to each sender.
#pragma once

#include <memory>

#include "base/fd.h"
#include "network/network.h"

namespace brig::network {

/// Thread-safe. One thread, from the first port on.
class PortProxy {
public:
    PortProxy();
    ~PortProxy();
    PortProxy(const PortProxy&) = delete;
    PortProxy& operator=(const PortProxy&) = delete;

    /// `bound` is a socket with the port's address, not listening yet. Throws SysError.
    void add(const PublishedPort& port, Fd bound, const IpAddress& container);
    /// Ends its connections too. Absent is fine.
    void remove(const PublishedPort& port);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace brig::network
