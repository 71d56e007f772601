// getentropy(3) exists on both kernels and cannot run out.
#include "base/random.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "base/error.h"

namespace brig {

std::string random_hex(std::size_t bytes) {
    std::array<unsigned char, 256> buffer{};
    if (bytes > buffer.size())
        throw Error(ErrorKind::invalid_argument, "at most 256 random bytes at once");
    if (::getentropy(buffer.data(), bytes) != 0) throw SysError("read random bytes");
    std::string out;
    for (std::size_t i = 0; i < bytes; ++i) out += fmt::format("{:02x}", buffer.at(i));
    return out;
}

}  // namespace brig
