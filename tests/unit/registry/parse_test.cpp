// Challenges, URLs, endpoints.
#include <gtest/gtest.h>

#include "registry/challenge.h"
#include "registry/endpoint.h"

namespace brig::registry {
namespace {

TEST(Challenge, ReadsABearerChallenge) {
    const auto found = parse_challenges(
        R"(Bearer realm="https://auth.example/token",service="a b",scope="repository:x/y:pull,push")");
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].scheme, "bearer");
    EXPECT_EQ(found[0].parameters.at("realm"), "https://auth.example/token");
    EXPECT_EQ(found[0].parameters.at("service"), "a b");
    EXPECT_EQ(found[0].parameters.at("scope"), "repository:x/y:pull,push");
}

TEST(Challenge, ReadsSeveralInOneHeader) {
    const auto found = parse_challenges(R"(Basic realm="x, y\"z", BEARER Realm=token ,service=s)");
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].parameters.at("realm"), "x, y\"z");
    EXPECT_EQ(found[1].scheme, "bearer");
    EXPECT_EQ(found[1].parameters.at("realm"), "token");
}

TEST(Challenge, StopsWhereItMakesNoSense) {
    EXPECT_TRUE(parse_challenges("").empty());
    EXPECT_TRUE(parse_challenges("=x").empty());
    EXPECT_TRUE(parse_challenges("\x01\x02").empty());
    EXPECT_TRUE(parse_challenges("Basic realm=\"unfinished").front().parameters.empty());
    std::string many;
    for (int i = 0; i < 1000; ++i) many += "a ,";
    EXPECT_LE(parse_challenges(many).size(), 16u);
}

TEST(Url, RefusesWhatCouldMislead) {
    for (const auto* bad : {"ftp://x/", "file:///etc/passwd", "http://user:pw@host/",
                            "http://h/a b", "http://h/\r\nX: y", "", "http://"}) {
        EXPECT_THROW(Url::parse(bad), Error) << bad;
    }
    EXPECT_EQ(Url::parse("https://Example.org/x").authority(), "example.org:443");
}

TEST(Url, ResolvesLocations) {
    const auto base = Url::parse("http://h:5000/v2/a/blobs/uploads/");
    EXPECT_EQ(base.resolve("/v2/x?state=1").text, "http://h:5000/v2/x?state=1");
    EXPECT_EQ(base.resolve("https://other/y").authority(), "other:443");
    EXPECT_EQ(base.resolve("/v2/x?state=a%2Bb").with_query("digest", "sha256:0").text,
              "http://h:5000/v2/x?state=a%2Bb&digest=sha256%3a0");
    EXPECT_THROW((void)base.resolve("gopher://x/"), Error);
}

TEST(Endpoint, KnowsDockersHubAndLoopback) {
    const Settings settings;
    EXPECT_EQ(endpoint_for("docker.io", settings).bases.at(0).text,
              "https://registry-1.docker.io/");
    EXPECT_EQ(endpoint_for("docker.io", settings).bases.size(), 1u);
    EXPECT_EQ(endpoint_for("example.org:5000", settings).bases.size(), 1u);
    for (const auto* local : {"localhost:5000", "127.0.0.1:5000", "127.9.9.9", "[::1]:5000"})
        EXPECT_EQ(endpoint_for(local, settings).bases.size(), 2u) << local;
    Settings told;
    told.insecure = {"example.org:5000"};
    EXPECT_EQ(endpoint_for("example.org:5000", told).bases.size(), 2u);
    EXPECT_EQ(endpoint_for("example.org", told).bases.size(), 1u);
    told.insecure = {"10.0.0.0/8", "fd00::/8"};
    for (const auto* near : {"10.1.2.3", "10.1.2.3:5000", "[fd00::7]:5000"})
        EXPECT_EQ(endpoint_for(near, told).bases.size(), 2u) << near;
    for (const auto* far : {"11.1.2.3", "[fe00::7]:5000", "example.org", "10.example.org:5000"})
        EXPECT_EQ(endpoint_for(far, told).bases.size(), 1u) << far;
}

}  // namespace
}  // namespace brig::registry
