// libnftables, loaded with state only while a command runs: between commands it costs nothing.
#pragma once

#include <string>

namespace brig::os::linux_net {

/// Runs commands as one transaction and returns their output. Throws Error{internal} with nft's
/// words for what it refused; not_implemented when the kernel has no nftables. Thread-safe.
/// `commands` must be made of checked names, addresses and numbers only.
std::string run_nft(const std::string& commands);

}  // namespace brig::os::linux_net
