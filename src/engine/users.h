// Who a container's process is: docker's --user against the image's own passwd and group, which
// are a stranger's text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace brig::engine {

struct ResolvedUser {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::vector<std::uint32_t> groups;  ///< supplementary
    std::string home = "/";
};

/// The texts of an image's account files; empty where it has none.
struct Accounts {
    std::string passwd;
    std::string group;
};

/// `user` is "", "name", "uid", "name:group", "uid:gid" …; `extra_groups` are --group-add.
/// Malformed lines are skipped. Throws Error{invalid_argument} with docker's texts: "unable to find
/// user x: no matching entries in passwd file".
ResolvedUser resolve_user(std::string_view user, const std::vector<std::string>& extra_groups,
                          const Accounts& accounts);

/// Reads /etc/passwd and /etc/group beneath the root that `root` has open, following the image's
/// symbolic links inside it only (CVE-2018-15664's kind). Files that are absent, not regular or
/// larger than a bound count as empty; nothing blocks on a FIFO or a device.
Accounts read_accounts(int root);

}  // namespace brig::engine
