// A Digest is always safe as a file name: nothing but sha256 and 64 hex digits gets in.
#include "base/digest.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace brig {
namespace {

constexpr auto empty_sha256 =
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TEST(Digest, OfNothingIsTheWellKnownValue) { EXPECT_EQ(Digest::of("").str(), empty_sha256); }

TEST(Digest, IncrementalEqualsWhole) {
    Sha256 hasher;
    hasher.update("hello ");
    EXPECT_EQ(hasher.digest(), Digest::of("hello "));
    hasher.update("world");
    EXPECT_EQ(hasher.digest(), Digest::of("hello world"));
}

class MalformedDigest : public testing::TestWithParam<std::string> {};

TEST_P(MalformedDigest, IsRefused) {
    try {
        Digest::parse(GetParam());
        FAIL() << "accepted " << GetParam();
    } catch (const Error& e) {
        EXPECT_EQ(e.kind(), ErrorKind::invalid_argument);
    }
}

INSTANTIATE_TEST_SUITE_P(Digest, MalformedDigest,
                         testing::Values("", "sha256:", "sha256:../../etc/passwd", "sha512:abcd",
                                         std::string("sha256:") + std::string(63, 'a'),
                                         std::string("sha256:") + std::string(64, 'A'),
                                         std::string(empty_sha256) + "/x"));

}  // namespace
}  // namespace brig
