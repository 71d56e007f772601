// Atomic replacement leaves the old file or the new one, never a temporary.
#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <iterator>

#include "base/error.h"

namespace brig {
namespace {

namespace fs = std::filesystem;

std::ptrdiff_t entries(const fs::path& directory) {
    return std::distance(fs::directory_iterator(directory), fs::directory_iterator());
}

TEST(WriteFileAtomic, ReplacesContentAndModeAndLeavesNoTemporary) {
    const TempDir dir(fs::temp_directory_path());
    const fs::path file = dir.path() / "state.json";
    write_file_atomic(file, "old", 0600);
    write_file_atomic(file, "new", 0644, Durability::rebuildable);
    EXPECT_EQ(read_file(file), "new");
    struct stat status {};
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0644U);
    EXPECT_EQ(entries(dir.path()), 1);
}

TEST(WriteFileAtomic, FailureLeavesNoTemporary) {
    const TempDir dir(fs::temp_directory_path());
    fs::create_directories(dir.path() / "taken" / "child");
    EXPECT_THROW(write_file_atomic(dir.path() / "taken", "x"), SysError);
    EXPECT_EQ(entries(dir.path()), 1);
}

TEST(ReadFile, RefusesMoreThanTheLimitAndNamesTheFile) {
    const TempDir dir(fs::temp_directory_path());
    write_file_atomic(dir.path() / "big", std::string(100, 'x'));
    try {
        read_file(dir.path() / "big", 99);
        FAIL();
    } catch (const Error& e) {
        EXPECT_EQ(e.kind(), ErrorKind::invalid_argument);
        EXPECT_NE(e.message().find("big"), std::string::npos);
    }
}

TEST(ReadFile, AbsentIsNotFound) {
    try {
        read_file("/nonexistent/file");
        FAIL();
    } catch (const SysError& e) {
        EXPECT_EQ(e.kind(), ErrorKind::not_found);
        EXPECT_EQ(e.message(), "open /nonexistent/file: no such file or directory");
    }
}

TEST(TempDir, GoesWithItsOwner) {
    fs::path path;
    {
        const TempDir dir(fs::temp_directory_path());
        path = dir.path();
        write_file_atomic(path / "x", "y");
        EXPECT_TRUE(fs::exists(path));
    }
    EXPECT_FALSE(fs::exists(path));
}

TEST(FileLock, IsExclusiveAndLetGo) {
    const TempDir dir(fs::temp_directory_path());
    const fs::path path = dir.path() / "lock";
    {
        const FileLock held = FileLock::try_acquire(path);
        EXPECT_THROW(FileLock::try_acquire(path), Error);
    }
    EXPECT_NO_THROW(FileLock::try_acquire(path));
}

}  // namespace
}  // namespace brig
