// From getifaddrs(3): if_data(9) comes with an interface's link-level address.
#include "os/link_counters.h"

#include <sys/types.h>
#include <sys/socket.h>
#include <net/if.h>
#include <ifaddrs.h>

#include "base/defer.h"
#include "base/error.h"

namespace brig::os {

std::optional<LinkCounters> link_counters(const std::string& name) {
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0) throw SysError("list the network interfaces");
    const Defer release([all] { ::freeifaddrs(all); });
    for (const ifaddrs* at = all; at != nullptr; at = at->ifa_next) {
        if (name != at->ifa_name || at->ifa_addr == nullptr || at->ifa_data == nullptr ||
            at->ifa_addr->sa_family != AF_LINK)
            continue;
        const auto& data = *static_cast<const if_data*>(at->ifa_data);
        return LinkCounters{
            {data.ifi_ibytes, data.ifi_ipackets, data.ifi_ierrors, data.ifi_iqdrops},
            {data.ifi_obytes, data.ifi_opackets, data.ifi_oerrors, data.ifi_oqdrops}};
    }
    return std::nullopt;
}

}  // namespace brig::os
