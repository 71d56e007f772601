// Hashed passwords, by the system's own crypt(3).
#pragma once

#include <string>

namespace brig::os {

/// Whether `password` has this hash ("$2y$05$…", what htpasswd -B writes, and whatever else the
/// system knows). Slow, as it has to be. Throws Error{failed_precondition} where there is no crypt.
bool password_matches(const std::string& password, const std::string& hash);

}  // namespace brig::os
