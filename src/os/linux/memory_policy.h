// From which nodes of memory a process is served (linux.memoryPolicy; set_mempolicy(2)).
#pragma once

#include <bitset>

#include "os/sandbox_spec.h"

namespace brig::os {

/// In the kernel's numbers; its words are looked up in the constructor, so that what they do not
/// allow is refused before anything is made.
class NumaPolicy {
public:
    /// Throws Error{invalid_argument} naming the setting.
    explicit NumaPolicy(const MemoryPolicy& wanted);
    /// For the calling process and all that it makes. Throws SysError.
    void apply() const;

private:
    static constexpr std::size_t most_nodes = 1024;  // the kernel's own limit
    int mode_ = 0;
    std::bitset<most_nodes> nodes_;
    std::string words_;
};

}  // namespace brig::os
