// ACLs as tar programs write them, SCHILY.acl.access and SCHILY.acl.default: text, where container
// tools keep Linux's attributes (see os/posix_acl.h).
#pragma once

#include <string>
#include <utility>
#include <vector>

struct archive_entry;

namespace brig::archive {

/// Adds the entry's ACLs to `xattrs`, unless they are among them already. What libarchive could not
/// read, what names users by name alone (whose number here need not be the one in the image), and
/// NFSv4's ACLs are left out, as by all other container tools.
void add_text_acls(struct ::archive_entry* entry,
                   std::vector<std::pair<std::string, std::string>>& xattrs);

}  // namespace brig::archive
