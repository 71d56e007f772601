// See file_flags.h. ext4's attributes are another thing: no archive of ours has them.
#include "os/file_flags.h"

#include "base/directory.h"

namespace brig::os {

bool may_set_system_flags() { return false; }
FileFlags lasting_flags(FileFlags) { return 0; }
FileFlags flags_of(const struct stat&) { return 0; }
bool set_file_flags(int, const std::string&, FileFlags) { return false; }
FileFlags unprotect(int, const std::string&) { return 0; }
void unprotect_tree(const std::string&) {}
void remove_protected_tree_at(int directory, const std::string& name) {
    remove_tree_at(directory, name);
}

}  // namespace brig::os
