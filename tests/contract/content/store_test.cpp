// What any content store must do, after the cases of containerd's suite.
#include "content/store.h"

#include <gmock/gmock.h>

#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "support/error_of.h"

namespace brig::content {
namespace {

using brig::test::kind_of;

class ContentContract : public ::testing::Test {
protected:
    TempDir directory_{"/tmp", "brig-content-contract"};
    Store store_{directory_.path()};
};

TEST_F(ContentContract, WriteCommitRead) {
    auto ingest = store_.begin();
    ingest.write("hel");
    ingest.write("lo");
    EXPECT_EQ(ingest.size(), 5U);
    EXPECT_FALSE(store_.has(Digest::of("hello"))) << "invisible before commit";
    const Digest digest = ingest.commit(Digest::of("hello"), 5);
    EXPECT_EQ(digest, Digest::of("hello"));
    EXPECT_EQ(store_.size(digest), 5U);
    EXPECT_EQ(store_.read(digest, 5), "hello");
}

TEST_F(ContentContract, CommitIsIdempotent) {
    store_.put("x");
    EXPECT_EQ(store_.put("x"), Digest::of("x"));
    EXPECT_EQ(store_.list().size(), 1U);
}

TEST_F(ContentContract, WrongDigestOrSizeCommitsNothing) {
    auto digest = store_.begin();
    digest.write("evil");
    EXPECT_EQ(kind_of([&] { digest.commit(Digest::of("good")); }), ErrorKind::invalid_argument);
    auto size = store_.begin();
    size.write("evil");
    EXPECT_EQ(kind_of([&] { size.commit({}, 5); }), ErrorKind::invalid_argument);
    EXPECT_TRUE(store_.list().empty());
}

TEST_F(ContentContract, ManyPiecesAreOneBlob) {
    std::string all;
    auto ingest = store_.begin();
    for (int i = 0; i < 3000; ++i) {
        const std::string piece(static_cast<std::size_t>(i % 97), static_cast<char>('a' + i % 26));
        ingest.write(piece);
        all += piece;
        ASSERT_EQ(ingest.size(), all.size());
    }
    const Digest digest = ingest.commit(Digest::of(all), all.size());
    EXPECT_EQ(store_.read(digest, all.size()), all);
}

TEST_F(ContentContract, ABlobOfNothing) {
    const Digest digest = store_.put("");
    EXPECT_EQ(digest, Digest::of(""));
    EXPECT_EQ(store_.size(digest), 0U);
    EXPECT_EQ(store_.read(digest, 0), "");
}

TEST_F(ContentContract, WhatIsAbandonedLeavesNothing) {
    {
        auto ingest = store_.begin();
        ingest.write("half");
        EXPECT_FALSE(std::filesystem::is_empty(directory_.path() / "ingest"));
    }
    EXPECT_TRUE(std::filesystem::is_empty(directory_.path() / "ingest"));
    EXPECT_TRUE(store_.list().empty());
}

TEST_F(ContentContract, AFailedCommitHarmsNothingThatIsThere) {
    const Digest good = store_.put("good");
    for (const bool wrong_size : {false, true}) {
        auto ingest = store_.begin();
        ingest.write(wrong_size ? "good" : "evil");
        EXPECT_EQ(kind_of([&] { wrong_size ? ingest.commit(good, 5) : ingest.commit(good, 4); }),
                  ErrorKind::invalid_argument);
    }
    EXPECT_EQ(store_.read(good, 10), "good");
    EXPECT_EQ(store_.put("good"), good) << "the next attempt is free";
    EXPECT_EQ(store_.list().size(), 1U);
}

TEST_F(ContentContract, WhatAPowerLossCutShortIsReplaced) {
    const Digest digest = store_.put("whole");
    const auto file = directory_.path() / "blobs/sha256" / std::string(digest.hex());
    std::filesystem::resize_file(file, 2);
    EXPECT_EQ(kind_of([&] { (void)store_.read(digest, 10); }), ErrorKind::internal);
    store_.put("whole");
    EXPECT_EQ(store_.read(digest, 10), "whole");
}

TEST_F(ContentContract, TakesOverAFile) {
    const auto file = directory_.path() / "finished";
    write_file_atomic(file, "made elsewhere", 0600);
    store_.adopt(file, Digest::of("made elsewhere"));
    EXPECT_EQ(store_.read(Digest::of("made elsewhere"), 100), "made elsewhere");
    EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(ContentContract, UnknownAndRemovedAreNotFound) {
    EXPECT_EQ(kind_of([&] { (void)store_.open(Digest::of("x")); }), ErrorKind::not_found);
    EXPECT_FALSE(store_.size(Digest::of("x")));
    store_.remove(store_.put("x"));
    store_.remove(Digest::of("x"));
    EXPECT_FALSE(store_.has(Digest::of("x")));
}

TEST_F(ContentContract, ReadIsBounded) {
    const Digest digest = store_.put("12345");
    EXPECT_EQ(kind_of([&] { (void)store_.read(digest, 4); }), ErrorKind::invalid_argument);
}

TEST_F(ContentContract, OpenBlobsOutliveRemoval) {
    const Digest digest = store_.put("x");
    const Fd file = store_.open(digest);
    store_.remove(digest);
    EXPECT_EQ(read_to_end(file.get(), 10), "x");
}

TEST_F(ContentContract, CollectKeepsTheLiving) {
    const Digest live = store_.put("live");
    store_.put("dead");
    EXPECT_EQ(store_.collect({live}), 4U);
    EXPECT_EQ(store_.list().size(), 1U);
}

TEST_F(ContentContract, LeaseProtectsWhatIsTouchedUnderIt) {
    const Digest before = store_.put("before");
    const Digest found = store_.put("found");
    {
        const Lease lease = store_.lease();
        const Digest made = store_.put("made");
        EXPECT_TRUE(store_.has(found));
        store_.collect({});
        EXPECT_FALSE(store_.has(before));
        EXPECT_TRUE(store_.has(made));
        EXPECT_TRUE(store_.has(found));
    }
    store_.collect({});
    EXPECT_TRUE(store_.list().empty());
}

TEST_F(ContentContract, ManyWritersOfOneBlob) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            for (int n = 0; n < 20; ++n) store_.put("blob " + std::to_string(n));
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(store_.list().size(), 20U);
    for (const auto& blob : store_.list())
        EXPECT_EQ(store_.read(blob.digest, 100).size(), blob.size);
}

TEST_F(ContentContract, SurvivesReopening) {
    const Digest digest = store_.put("x");
    store_.sync();
    const Store again(directory_.path());
    EXPECT_EQ(again.read(digest, 10), "x");
}

}  // namespace
}  // namespace brig::content
