// Tells when this host's interfaces or their addresses change, for rules that name them.
#pragma once

#include <functional>
#include <thread>

#include "base/fd.h"

namespace brig::os::freebsd_net {

class AddressWatch {
public:
    /// `changed` is called on a thread of its own, a moment after the last of several changes. It
    /// must not throw.
    explicit AddressWatch(std::function<void()> changed);
    ~AddressWatch();
    AddressWatch(const AddressWatch&) = delete;
    AddressWatch& operator=(const AddressWatch&) = delete;

private:
    void watch() const;
    const std::function<void()> changed_;
    const Fd routes_;
    FdPair stop_;
    std::thread thread_;
};

}  // namespace brig::os::freebsd_net
