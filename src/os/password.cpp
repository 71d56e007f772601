// See password.h. The library is opened when it is needed: it is one that a program may lack, and
// that no other part of Brig uses.
#include "os/password.h"

#include <dlfcn.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace brig::os {
namespace {

using CryptR = char*(const char* phrase, const char* setting, void* data);

/// struct crypt_data is 32 kB in libxcrypt, which has the largest.
constexpr std::size_t crypt_data_size = 64U << 10U;

CryptR* find_crypt() {
    for (const char* name : {"libcrypt.so.1", "libcrypt.so.2", "libcrypt.so.5"}) {
        if (void* library = ::dlopen(name, RTLD_NOW | RTLD_LOCAL)) {
            if (void* function = ::dlsym(library, "crypt_r"))
                return reinterpret_cast<CryptR*>(function);
        }
    }
    throw Error(ErrorKind::failed_precondition,
                "passwords cannot be checked: there is no libcrypt; install libcrypt1");
}

/// In a time that does not depend on where they differ.
bool same(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    unsigned difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
    return difference == 0;
}

}  // namespace

bool password_matches(const std::string& password, const std::string& hash) {
    static CryptR* const crypt = find_crypt();
    std::vector<std::uint64_t> data(crypt_data_size / sizeof(std::uint64_t));
    const char* result = crypt(password.c_str(), hash.c_str(), data.data());
    // libxcrypt answers what it cannot do with a token that starts with an asterisk.
    return result != nullptr && result[0] != '*' && same(result, hash);
}

}  // namespace brig::os
