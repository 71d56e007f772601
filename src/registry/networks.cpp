// See networks.h.
#include "registry/networks.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "base/strings.h"

namespace brig::registry {
namespace {

constexpr unsigned mapped_bits = 96;  // ::ffff:a.b.c.d

/// Whether both begin with the same bits.
bool agree(const Address& a, const Address& b, unsigned bits) {
    for (unsigned bit = 0; bit < bits; ++bit) {
        const auto mask = static_cast<std::uint8_t>(0x80U >> bit % 8);
        if ((a[bit / 8] & mask) != (b[bit / 8] & mask)) return false;
    }
    return true;
}

}  // namespace

std::optional<Address> parse_address(const std::string& text) {
    Address out{};
    if (::inet_pton(AF_INET6, text.c_str(), out.data()) == 1) return out;
    out = {};
    out[10] = out[11] = 0xff;
    if (::inet_pton(AF_INET, text.c_str(), &out[12]) == 1) return out;
    return std::nullopt;
}

bool is_in_network(const std::string& address, const std::string& network) {
    const auto inside = parse_address(address);
    const auto [base, length] = split_once(network, '/');
    const auto begin = parse_address(base);
    auto bits = length ? parse_int<unsigned>(*length) : std::nullopt;
    if (!inside || !begin || !bits || *bits > 128) return false;
    if (base.find(':') == std::string::npos) *bits += mapped_bits;
    return *bits <= 128 && agree(*inside, *begin, *bits);
}

}  // namespace brig::registry
