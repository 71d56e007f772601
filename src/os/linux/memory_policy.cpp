// See memory_policy.h. What goes with what is set_mempolicy(2)'s. Errors have runc's words, which
// its users look for.
#include "os/linux/memory_policy.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.h"
#include "base/strings.h"

namespace brig::os {
namespace {

enum class Nodes { none, some, any };

struct Mode {
    std::string_view name;
    int number;
    Nodes nodes;
};
constexpr std::array modes{Mode{"MPOL_DEFAULT", 0, Nodes::none},
                           Mode{"MPOL_PREFERRED", 1, Nodes::any},
                           Mode{"MPOL_BIND", 2, Nodes::some},
                           Mode{"MPOL_INTERLEAVE", 3, Nodes::some},
                           Mode{"MPOL_LOCAL", 4, Nodes::none},
                           Mode{"MPOL_PREFERRED_MANY", 5, Nodes::some},
                           Mode{"MPOL_WEIGHTED_INTERLEAVE", 6, Nodes::some}};

struct Flag {
    std::string_view name;
    int number;
};
constexpr std::array flags{Flag{"MPOL_F_NUMA_BALANCING", 1 << 13},
                           Flag{"MPOL_F_RELATIVE_NODES", 1 << 14},
                           Flag{"MPOL_F_STATIC_NODES", 1 << 15}};

template <typename Table>
const auto& look_up(const Table& table, std::string_view name, std::string_view what) {
    const auto found = std::ranges::find_if(table, [&](const auto& e) { return e.name == name; });
    if (found != table.end()) return *found;
    throw Error(ErrorKind::invalid_argument, "linux.memoryPolicy: invalid memory policy {} {:?}",
                what, name);
}

/// "0-3,7"
template <std::size_t Most>
std::bitset<Most> node_set(const std::string& text) {
    std::bitset<Most> set;
    for (const std::string& part : split(text, ',')) {
        if (text.empty()) break;
        const auto [low, high] = split_once(trim(part), '-');
        const auto first = parse_int<unsigned>(low);
        const auto last = high ? parse_int<unsigned>(*high) : first;
        if (!first || !last || *last < *first || *last >= Most) {
            throw Error(ErrorKind::invalid_argument,
                        "linux.memoryPolicy: invalid memory policy nodes {:?}", text);
        }
        for (unsigned node = *first; node <= *last; ++node) set.set(node);
    }
    return set;
}

}  // namespace

NumaPolicy::NumaPolicy(const MemoryPolicy& wanted)
    : nodes_(node_set<most_nodes>(wanted.nodes)), words_(wanted.mode + " " + wanted.nodes) {
    const Mode& mode = look_up(modes, wanted.mode, "mode");
    mode_ = mode.number;
    for (const std::string& flag : wanted.flags) mode_ |= look_up(flags, flag, "flag").number;
    if (mode.nodes == Nodes::none && nodes_.any()) {
        throw Error(ErrorKind::invalid_argument,
                    "linux.memoryPolicy.nodes: {} mode requires 0 nodes but got {}", mode.name,
                    nodes_.count());
    }
    if (mode.nodes == Nodes::some && nodes_.none()) {
        throw Error(ErrorKind::invalid_argument,
                    "linux.memoryPolicy.nodes: {} mode requires at least 1 node", mode.name);
    }
}

void NumaPolicy::apply() const {
    constexpr std::size_t word = 8 * sizeof(unsigned long);
    std::array<unsigned long, most_nodes / word> mask{};
    for (std::size_t node = 0; node < most_nodes; ++node)
        if (nodes_.test(node)) mask[node / word] |= 1UL << node % word;
    // The kernel reads one bit less than it is told.
    if (::syscall(SYS_set_mempolicy, mode_, nodes_.any() ? mask.data() : nullptr,
                  nodes_.any() ? most_nodes + 1 : 0) != 0)
        throw SysError("set linux.memoryPolicy {}", words_);
}

}  // namespace brig::os
