// The host's pfctl, the one stable way to PF's rules: libpfctl is private to the base system, and
// the ioctls' structures change between releases.
#pragma once

#include <string>
#include <vector>

namespace brig::os::freebsd_net {

/// Runs /sbin/pfctl with `input` on its standard input; returns its standard output. Throws
/// Error{internal} with its words when it fails, not_implemented when it is not there.
std::string run_pfctl(const std::vector<std::string>& arguments, const std::string& input);

}  // namespace brig::os::freebsd_net
