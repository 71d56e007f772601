// The layout on disk and the bad ends of an ingest; behaviour is in tests/contract/content.
#include "content/store.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/defer.h"
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

TEST(ContentStore, AFailedWriteLeavesNothingInTheBlob) {
    const TempDir directory("/tmp", "brig-content");
    Store store(directory.path());
    const std::string piece(5000, 'p');
    auto ingest = store.begin();
    ingest.write(piece);
    {
        // As a disk that is full in the middle of the second piece.
        const auto handler = ::signal(SIGXFSZ, SIG_IGN);
        rlimit before{};
        ::getrlimit(RLIMIT_FSIZE, &before);
        const Defer restore([&] {
            ::setrlimit(RLIMIT_FSIZE, &before);
            ::signal(SIGXFSZ, handler);
        });
        const rlimit small{.rlim_cur = 7000, .rlim_max = before.rlim_max};
        ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
        EXPECT_THROW(ingest.write(piece), SysError);
        EXPECT_EQ(ingest.size(), piece.size());
    }
    ingest.write("end");
    const Digest digest = ingest.commit(Digest::of(piece + "end"), piece.size() + 3);
    EXPECT_TRUE(read_file(store.root() / "blobs/sha256" / digest.hex()) == piece + "end");
}

}  // namespace
}  // namespace brig::content
