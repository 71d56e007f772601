// Mirrors in front of a registry: what they lack, break or make up comes from the registry.
#include "registry/source.h"

#include <algorithm>

#include "unit/registry/fixture.h"

namespace brig::registry {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

class SourceTest : public RegistryTest {
protected:
    void mirror(FakeRegistry::Handler handler) {
        mirrors_.push_back(std::make_unique<FakeRegistry>([handler](const FakeRequest& request) {
            return request.target == "/v2/" ? FakeAnswer(http_answer(200)) : handler(request);
        }));
    }
    Source source() {
        auto with_mirrors = settings();
        for (const auto& mirror : mirrors_)
            with_mirrors.mirrors[fake_->host()].push_back(Mirror::parse(mirror->host() + path_));
        return {with_mirrors,
                oci::Reference::parse(fake_->host() + "/foo/bar"),
                {.username = "user", .password = "secret"}};
    }
    void fetch(Source& source, const std::string& bytes) {
        source.fetch_blob(describe(bytes), store_, {});
        EXPECT_EQ(store_.read(Digest::of(bytes), 1U << 20U), bytes);
    }
    void fetch(const std::string& bytes) {
        Source from = source();
        fetch(from, bytes);
    }
    std::vector<std::unique_ptr<FakeRegistry>> mirrors_;
    std::string path_;
};

TEST_F(SourceTest, MirrorsAreAskedFirstAndToldNothing) {
    serve([](const FakeRequest&) { return http_answer(500); });
    mirror([](const FakeRequest& request) {
        EXPECT_FALSE(request.has("Authorization")) << request.head;
        return http_answer(200, "bytes");
    });
    fetch("bytes");
    EXPECT_TRUE(fake_->asked().empty());
}

TEST_F(SourceTest, AMirrorThatAsksForCredentialsGetsNone) {
    serve([](const FakeRequest&) { return http_answer(200, "bytes"); });
    mirror([](const FakeRequest& request) {
        EXPECT_FALSE(request.has("Authorization")) << request.head;
        return http_answer(401, "", "WWW-Authenticate: Basic realm=\"x\"\r\n");
    });
    fetch("bytes");
}

TEST_F(SourceTest, MirrorsDoNotHaveToHaveIt) {
    serve([](const FakeRequest&) { return http_answer(200, "last"); });
    for (int i = 0; i < 2; ++i) mirror([](const FakeRequest&) { return http_answer(404); });
    Source from = source();
    fetch(from, "last");
    EXPECT_TRUE(slept_.empty());
    // They may well have the next.
    error_of([&] { fetch(from, "other"); });
    for (const auto& mirror : mirrors_) EXPECT_EQ(mirror->count("blobs"), 2U);
}

TEST_F(SourceTest, AMirrorThatBreaksIsLeftAlone) {
    const std::string bytes(300'000, 'b');
    serve([&](const FakeRequest& request) {
        return http_answer(200, request.target.ends_with(Digest::of(bytes).hex()) ? bytes : "b");
    });
    mirror([&](const FakeRequest&) {
        const auto whole = http_answer(200, bytes);
        return whole.substr(0, whole.size() - 1000);
    });
    Source from = source();
    fetch(from, bytes);
    const auto asked = mirrors_[0]->asked().size();
    EXPECT_GT(asked, 0U);
    fetch(from, "b");
    EXPECT_EQ(mirrors_[0]->asked().size(), asked);
}

TEST_F(SourceTest, AMirrorThatLiesIsLeftAlone) {
    serve([](const FakeRequest&) { return http_answer(200, "bytes"); });
    mirror([](const FakeRequest&) { return http_answer(200, "lies!"); });
    fetch("bytes");
}

TEST_F(SourceTest, WhatAMirrorBreaksOffTheRegistryGoesOnWith) {
    const std::string bytes(300'000, 'b');
    serve([&](const FakeRequest& request) {
        EXPECT_TRUE(request.has("Range: bytes=1000-")) << request.head;
        return http_answer(206, bytes.substr(1000), "Content-Range: bytes 1000-299999/300000\r\n");
    });
    mirror([&](const FakeRequest&) { return cut_off(bytes, 1000); });
    fetch(bytes);
}

TEST_F(SourceTest, WhatAMirrorBreaksOffAndHasMadeUpComesAgain) {
    const std::string bytes(300'000, 'b');
    serve([&](const FakeRequest& request) {
        if (!request.has("Range: bytes=1000-")) return http_answer(200, bytes);
        return http_answer(206, bytes.substr(1000), "Content-Range: bytes 1000-299999/300000\r\n");
    });
    mirror([&](const FakeRequest&) { return cut_off(std::string(300'000, 'l'), 1000); });
    fetch(bytes);
    EXPECT_EQ(fake_->count("blobs"), 2U);
}

TEST_F(SourceTest, NobodyAnswersForAMirror) {
    serve([](const FakeRequest&) { return http_answer(200, "bytes"); });
    mirror([](const FakeRequest&) { return http_answer(200); });
    Source from = source();
    mirrors_.clear();
    fetch(from, "bytes");
}

TEST_F(SourceTest, TheRegistrysWordsAreTheLast) {
    serve([](const FakeRequest&) {
        return http_answer(404, R"({"errors":[{"code":"MANIFEST_UNKNOWN","message":"really"}]})");
    });
    mirror([](const FakeRequest&) { return http_answer(404); });
    EXPECT_EQ(error_of([&] { source().manifest("1"); }), "manifest unknown: really");
}

TEST_F(SourceTest, APathStandsInFrontOfTheRepositorys) {
    path_ = "/proxy/one";
    serve([](const FakeRequest&) { return http_answer(500); });
    mirror([](const FakeRequest&) { return http_answer(200, "bytes"); });
    fetch("bytes");
    EXPECT_THAT(mirrors_[0]->asked(), Each(HasSubstr(" /v2/proxy/one/foo/bar/blobs/")));
}

TEST(Mirrors, AreHostsWithPaths) {
    EXPECT_EQ(Mirror::parse("mirror.example:5000"), (Mirror{.host = "mirror.example:5000"}));
    EXPECT_EQ(Mirror::parse("https://m.example/"), (Mirror{.host = "m.example"}));
    EXPECT_EQ(Mirror::parse("http://m.example/a/b"),
              (Mirror{.host = "m.example", .path = "a/b", .insecure = true}));
    for (const auto* bad : {"", "mirror", "https://", "ftp://m.example", "m.example/a:1",
                            "user@m.example", "m.example/A", "m.example/a?b"}) {
        EXPECT_THROW(Mirror::parse(bad), Error) << bad;
    }
}

}  // namespace
}  // namespace brig::registry
