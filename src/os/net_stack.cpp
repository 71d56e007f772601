#include "os/net_stack.h"

#include <algorithm>
#include <cctype>

#include "base/error.h"

namespace brig::os {

void check_interface_name(const std::string& name) {
    const auto allowed = [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
    };
    // IFNAMSIZ is 16 on both kernels, with the terminating NUL.
    if (name.empty() || name.size() > 15 ||
        std::isalnum(static_cast<unsigned char>(name[0])) == 0 ||
        !std::all_of(name.begin(), name.end(), allowed)) {
        throw Error(ErrorKind::invalid_argument, "{} is not a name for a network interface", name);
    }
}

}  // namespace brig::os
