// The layout on disk and the bad ends of an ingest; behaviour is in tests/contract/content.
#include "content/store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/file.h"

namespace brig::content {
namespace {

namespace fs = std::filesystem;

TEST(ContentStore, IsAnOciLayout) {
    const TempDir directory("/tmp", "brig-content");
    Store store(directory.path() / "content");
    const Digest digest = store.put("hello");
    EXPECT_EQ(read_file(store.root() / "blobs/sha256" / digest.hex()), "hello");
    EXPECT_EQ(read_file(store.root() / "oci-layout"), R"({"imageLayoutVersion":"1.0.0"})");
    EXPECT_TRUE(fs::exists(store.root() / "index.json"));
}

TEST(ContentStore, CrashLeavesNoHalfBlob) {
    const TempDir directory("/tmp", "brig-content");
    {
        Store store(directory.path());
        store.begin().write("gone at scope end");
        EXPECT_TRUE(fs::is_empty(directory.path() / "ingest"));
    }
    std::ofstream(directory.path() / "ingest" / "abcdef") << "left by kill -9";
    Store store(directory.path());
    EXPECT_TRUE(fs::is_empty(directory.path() / "ingest"));
}

TEST(ContentStore, TruncatedBlobIsReplaced) {
    const TempDir directory("/tmp", "brig-content");
    Store store(directory.path());
    const Digest digest = store.put("hello");
    fs::resize_file(directory.path() / "blobs/sha256" / digest.hex(), 0);
    EXPECT_THROW((void)store.read(digest, 100), Error);
    store.put("hello");
    EXPECT_EQ(store.read(digest, 100), "hello");
}

}  // namespace
}  // namespace brig::content
