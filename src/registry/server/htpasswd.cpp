// See htpasswd.h.
#include "registry/server/htpasswd.h"

#include "base/base64.h"
#include "base/error.h"
#include "base/file.h"
#include "base/strings.h"
#include "os/password.h"

namespace brig::registry::server {
namespace {

constexpr std::size_t max_file = 1U << 20U;
/// Checked where there is no such user, so that names cannot be told by the time it takes.
constexpr auto nobodys_hash = "$2y$05$abcdefghijklmnopqrstuuWkcgVYrCMrPIXFmVYRO1hq5IPv5L2Wy";

}  // namespace

Htpasswd::Htpasswd(const std::filesystem::path& file) {
    int number = 0;
    for (const auto& raw : split(read_file(file, max_file), '\n')) {
        ++number;
        const auto line = trim(raw);
        if (line.empty() || line.starts_with('#')) continue;
        const auto [user, hash] = split_once(line, ':');
        if (user.empty() || !hash || !hash->starts_with('$')) {
            throw Error(ErrorKind::invalid_argument,
                        "{}:{}: not USER:HASH with a modern hash; make it with htpasswd -B",
                        file.string(), number);
        }
        hashes_[user] = *hash;
    }
}

bool Htpasswd::admits(const std::string& authorization) {
    const auto [scheme, encoded] = split_once(authorization, ' ');
    if (to_lower(scheme) != "basic" || !encoded) return false;
    const auto decoded = from_base64(trim(*encoded));
    if (!decoded || decoded->find('\0') != std::string::npos) return false;
    const Digest header = Digest::of(*decoded);
    {
        const std::scoped_lock lock(mutex_);
        if (known_.contains(header)) return true;
    }
    const auto [user, password] = split_once(*decoded, ':');
    const auto found = hashes_.find(user);
    const bool is_user = found != hashes_.end() && password;
    const bool matches =
        os::password_matches(password.value_or(""), is_user ? found->second : nobodys_hash);
    if (!matches || !is_user) return false;
    const std::scoped_lock lock(mutex_);
    known_.insert(header);
    return true;
}

}  // namespace brig::registry::server
