// Interfaces of the host's that become a container's (linux.netDevices). The caller moves one, then
// the child, inside, gives it back what the move has taken: its addresses, and that it is up.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "os/child_report.h"
#include "os/linux/netlink.h"

namespace brig::os {

class NetDevices {
public:
    /// Finds them by the host's names. Throws naming the one that is not there or cannot be called
    /// what it shall be in the container.
    explicit NetDevices(const std::map<std::string, std::string>& names);
    [[nodiscard]] bool empty() const { return devices_.empty(); }

    /// In the child, inside the container's network namespace.
    void take(const ChildReport& report) const;
    /// In the caller, while the child does that.
    void give(const ChildReport& report, pid_t child) const;

private:
    struct Address {
        std::uint8_t family = 0, prefix = 0;
        std::uint32_t flags = 0;
        std::vector<std::pair<std::uint16_t, std::vector<std::byte>>> attributes;
    };
    struct Device {
        std::string host_name, name;
        unsigned index = 0;
        std::vector<Address> addresses;
    };
    static std::vector<Address> addresses_of(linux_net::NetlinkSocket& socket, unsigned index);
    static void take_one(const Device& device, const ChildReport& report);

    std::vector<Device> devices_;
};

}  // namespace brig::os
