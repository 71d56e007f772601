// Modules and accounting come from the boot loader, services from rc.conf, forwarding with them;
// PF's main rules have to call the engine's anchor.
#include "os/host_setup.h"

namespace brig::os {

std::vector<SetupFile> host_setup(const std::string& anchor) {
    using Form = SetupFile::Form;
    const auto anchors = anchor + "/*";
    return {
        {"/boot/loader.conf",
         Form::assignments,
         {{"nullfs_load", "YES"},
          {"fdescfs_load", "YES"},
          {"if_bridge_load", "YES"},
          {"if_epair_load", "YES"},
          {"kern.racct.enable", "1"}},
         "reboot, for limits to work and modules to be loaded"},
        {"/etc/rc.conf",
         Form::assignments,
         {{"gateway_enable", "YES"}, {"pf_enable", "YES"}, {"brigd_enable", "YES"}},
         "service pf start; service brigd start"},
        // Besides rc.conf's: `service routing restart` sets what it is told there, this what is set
        // by hand.
        {"/etc/sysctl.conf",
         Form::assignments,
         {{"net.inet.ip.forwarding", "1"}},
         "service sysctl restart"},
        {"/etc/pf.conf",
         Form::pf_anchors,
         {{"nat-anchor", anchors}, {"rdr-anchor", anchors}, {"anchor", anchors}},
         "service pf reload"},
    };
}

}  // namespace brig::os
