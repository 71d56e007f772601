// Files that Linux lets nobody remove (chattr +i). FreeBSD's are in unit/archive.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "base/defer.h"
#include "base/fd.h"
#include "base/file.h"
#include "support/error_of.h"

namespace brig {
namespace {

TEST(Immutable, FilesAreSaidToBeIt) {
    const TempDir directory("/tmp", "brig-immutable");
    write_file_atomic(directory.path() / "tree", "", 0600, Durability::rebuildable);
    const Fd file = open_file((directory.path() / "tree").string(), O_RDONLY);
    int flags = FS_IMMUTABLE_FL;
    if (::ioctl(file.get(), FS_IOC_SETFLAGS, &flags) != 0) GTEST_SKIP() << "no such flag here";
    const Defer release([&] {
        int none = 0;
        ::ioctl(file.get(), FS_IOC_SETFLAGS, &none);
    });
    EXPECT_THAT(brig::test::error_of([&] { remove_tree(directory.path() / "tree"); }).message(),
                ::testing::HasSubstr("operation not permitted"));
}

}  // namespace
}  // namespace brig
