// Blobs and manifests from registries that are broken or lie.
#include "oci/manifest.h"
#include "unit/registry/fixture.h"

namespace brig::registry {
namespace {

using ::testing::HasSubstr;

const std::string bytes(300'000, 'b');

class Download : public RegistryTest {
protected:
    void fetch(const oci::Descriptor& blob) { repository().fetch_blob(blob, store_, {}); }
    std::string failure(const oci::Descriptor& blob) {
        return error_of([&] { fetch(blob); });
    }
};

TEST_F(Download, GoesOnWhereItWasCut) {
    int round = 0;
    serve([&](const FakeRequest& request) {
        if (round++ == 0) return cut_off(bytes, 1000);
        EXPECT_TRUE(request.has("Range: bytes=1000-")) << request.head;
        return http_answer(206, bytes.substr(1000), "Content-Range: bytes 1000-299999/300000\r\n");
    });
    fetch(describe(bytes));
    EXPECT_EQ(store_.read(Digest::of(bytes), 1 << 20), bytes);
    EXPECT_EQ(round, 2);
}

TEST_F(Download, SkipsWhatItHasWhenRangesAreIgnored) {
    int round = 0;
    serve([&](const FakeRequest&) {
        return round++ == 0 ? cut_off(bytes, 1000) : http_answer(200, bytes);
    });
    fetch(describe(bytes));
    EXPECT_TRUE(store_.has(Digest::of(bytes)));
}

TEST_F(Download, StartsOverWhenARangeIsRefused) {
    int round = 0;
    serve([&](const FakeRequest& request) {
        if (round++ == 0) return cut_off(bytes, 1000);
        return request.has("Range:") ? http_answer(416) : http_answer(200, bytes);
    });
    fetch(describe(bytes));
    EXPECT_EQ(round, 3);
}

TEST_F(Download, RefusesAnotherRangeThanItAskedFor) {
    int round = 0;
    serve([&](const FakeRequest&) {
        if (round++ == 0) return cut_off(bytes, 1000);
        return http_answer(206, bytes.substr(0, 5), "Content-Range: bytes 0-4/300000\r\n");
    });
    EXPECT_THAT(failure(describe(bytes)), HasSubstr("from byte 1000"));
}

TEST_F(Download, WrongBytesAreAnErrorAndNotInTheStore) {
    serve([&](const FakeRequest&) { return http_answer(200, std::string(300'000, 'c')); });
    const auto said = failure(describe(bytes));
    EXPECT_THAT(said, HasSubstr("registry " + fake_->host() + ", repository foo/bar"));
    EXPECT_THAT(said, HasSubstr(Digest::of(bytes).str()));
    EXPECT_TRUE(store_.list().empty());
}

TEST_F(Download, EndlessBodiesEnd) {
    serve([&](const FakeRequest&) { return http_answer(200, bytes + bytes); });
    EXPECT_THAT(failure(describe(bytes)), HasSubstr("longer than the 300000 bytes announced"));
    EXPECT_TRUE(store_.list().empty());
}

TEST_F(Download, GivesUpOnABlobThatEndsEarlyForEver) {
    serve([&](const FakeRequest& request) {
        return request.has("Range:") ? http_answer(206, "", "Content-Range: bytes 10-10/10\r\n")
                                     : http_answer(200, "0123456789");
    });
    EXPECT_THAT(failure(describe(bytes)), HasSubstr("ended after 10 of 300000 bytes"));
    EXPECT_EQ(slept_.size(), 4u);
}

TEST_F(Download, WaitsAsLongAsItIsTold) {
    int round = 0;
    serve([&](const FakeRequest&) {
        if (round++ == 0) return http_answer(429, "", "Retry-After: 7\r\n");
        if (round == 2) return http_answer(503);
        return http_answer(200, bytes);
    });
    fetch(describe(bytes));
    ASSERT_EQ(slept_.size(), 2u);
    EXPECT_EQ(slept_[0], std::chrono::seconds(7));
    EXPECT_EQ(slept_[1], std::chrono::milliseconds(1000));
}

TEST_F(Download, WaitsUntilADate) {
    const auto at = [](std::time_t when) {
        char text[64];
        std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", std::gmtime(&when));
        return std::string(text);
    };
    std::vector<std::string> answers{at(std::time(nullptr) + 60), at(0), "Tomorrow"};
    serve([&](const FakeRequest&) {
        if (answers.empty()) return http_answer(200, bytes);
        const auto when = answers.front();
        answers.erase(answers.begin());
        return http_answer(503, "", "Retry-After: " + when + "\r\n");
    });
    fetch(describe(bytes));
    ASSERT_EQ(slept_.size(), 3u);
    EXPECT_GT(slept_[0], std::chrono::seconds(30));
    EXPECT_LE(slept_[0], std::chrono::seconds(60));
    EXPECT_EQ(slept_[1], std::chrono::seconds(0));
    EXPECT_EQ(slept_[2], std::chrono::milliseconds(2000)) << "as without";
}

TEST_F(Download, DoesNotWaitForDays) {
    serve([&](const FakeRequest&) { return http_answer(429, "", "Retry-After: 100000\r\n"); });
    EXPECT_THAT(failure(describe(bytes)), HasSubstr("429"));
    EXPECT_TRUE(slept_.empty());
}

/// libcurl looks at the last five seconds, so that this takes longer than the second allowed.
TEST_F(Download, AStallIsACutAndNotForEver) {
    stall_timeout_ = std::chrono::seconds(1);
    int round = 0;
    serve([&](const FakeRequest& request) -> FakeAnswer {
        if (round++ == 0) return {cut_off(bytes, 1000), true};
        if (round == 2) return {"", true};
        EXPECT_TRUE(request.has("Range: bytes=1000-")) << request.head;
        return http_answer(206, bytes.substr(1000), "Content-Range: bytes 1000-299999/300000\r\n");
    });
    const auto begin = std::chrono::steady_clock::now();
    fetch(describe(bytes));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(25));
    EXPECT_EQ(store_.read(Digest::of(bytes), 1 << 20), bytes);
    EXPECT_EQ(round, 3);
}

TEST_F(Download, ARegistryThatOnlyStallsIsGivenUp) {
    stall_timeout_ = std::chrono::seconds(1);
    serve([&](const FakeRequest&) -> FakeAnswer { return {"", true}; });
    EXPECT_THAT(failure(describe(bytes)), HasSubstr("too slow"));
    EXPECT_EQ(fake_->count("blobs"), 5u);
    EXPECT_THAT(error_of([&] { repository().manifest("latest"); }), HasSubstr("too slow"));
    EXPECT_TRUE(store_.list().empty());
}

TEST_F(Download, RefusalsCarryTheRegistrysWords) {
    serve([&](const FakeRequest&) {
        return http_answer(
            404,
            R"({"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest\u001b[31m unknown"}]})");
    });
    try {
        repository().manifest("latest");
        FAIL() << "no error";
    } catch (const RegistryError& e) {
        EXPECT_EQ(e.code(), "MANIFEST_UNKNOWN");
        EXPECT_EQ(e.kind(), ErrorKind::not_found);
        EXPECT_EQ(e.message(), "manifest unknown: manifest [31m unknown");
    }
}

TEST_F(Download, ManifestsThatLieAreRefused) {
    const std::string good = R"({"schemaVersion":2,"config":{"mediaType":"x","digest":"sha256:)" +
                             std::string(64, '0') + R"(","size":1},"layers":[]})";
    const std::string type =
        "Content-Type: " + std::string(oci::media_type::manifest) + "; charset=utf-8\r\n";
    std::string answer;
    serve([&](const FakeRequest&) { return answer; });
    answer = http_answer(200, good, type);
    EXPECT_EQ(repository().manifest("latest").descriptor.digest, Digest::of(good));
    const auto refused = [&](const std::string& raw, const std::string& tag = "latest") {
        answer = raw;
        return error_of([&] { repository().manifest(tag); });
    };
    EXPECT_THAT(refused(http_answer(
                    200, good, type + "Docker-Content-Digest: " + Digest::of("x").str() + "\r\n")),
                HasSubstr("as announced"));
    EXPECT_THAT(refused(answer = http_answer(200, good, type), Digest::of("x").str()),
                HasSubstr("has digest"));
    EXPECT_THAT(refused(http_answer(200, "{", type)), HasSubstr("not valid JSON"));
    EXPECT_THAT(refused(http_answer(
                    200, good, "Content-Type: " + std::string(oci::media_type::index) + "\r\n")),
                HasSubstr("repository foo/bar"));
    EXPECT_THAT(refused(http_answer(200, std::string(9 << 20, ' '), type)),
                HasSubstr("larger than the"));
    EXPECT_THAT(refused(http_answer(500, std::string(1 << 20, 'e'))), HasSubstr("status 500"));
    std::string headers;
    for (int i = 0; i < 5000; ++i)
        headers += "X-" + std::to_string(i) + ": " + std::string(90, 'x') + "\r\n";
    EXPECT_THAT(refused(http_answer(200, good, headers)), HasSubstr("bytes of headers"));
}

TEST_F(Download, TagsComeInPages) {
    serve([&](const FakeRequest& request) {
        return request.target.find("last=b") == std::string::npos
                   ? http_answer(200, R"({"tags":["a","b"]})",
                                 "Link: </v2/foo/bar/tags/list?last=b>; rel=\"next\"\r\n")
                   : http_answer(200, R"({"tags":["c"]})");
    });
    EXPECT_EQ(repository().tags(), (std::vector<std::string>{"a", "b", "c"}));
}

}  // namespace
}  // namespace brig::registry
