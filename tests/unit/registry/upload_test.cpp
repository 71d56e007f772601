// Blobs to registries.
#include <fcntl.h>

#include "oci/manifest.h"
#include "unit/registry/fixture.h"

namespace brig::registry {
namespace {

const std::string bytes(2'000'000, 'u');

class Upload : public RegistryTest {
protected:
    Placed put(const std::optional<std::string>& from = {}, const std::string& blob = bytes) {
        const auto lease = store_.lease();
        store_.put(blob);
        return repository({}, Access::push)
            .put_blob(describe(blob), store_.open(Digest::of(blob)), from, {});
    }
    std::string digest_ = Digest::of(bytes).str();
};

TEST_F(Upload, SendsWhatIsNotThere) {
    std::string got;
    serve([&](const FakeRequest& request) {
        if (request.method == "HEAD") return http_answer(404);
        if (request.method == "POST") return http_answer(202, "", "Location: /v2/up?state=1\r\n");
        if (request.method == "PATCH") {
            got += request.body;
            EXPECT_EQ(request.target, "/v2/up?state=1");
            return http_answer(202, "", "Location: /v2/up?state=2\r\n");
        }
        EXPECT_EQ(request.target, "/v2/up?state=2&digest=sha256%3a" + digest_.substr(7));
        return http_answer(201);
    });
    EXPECT_EQ(put(), Placed::uploaded);
    EXPECT_EQ(got, bytes);
}

TEST_F(Upload, SendsSmallOnesWithTheLastRequest) {
    std::string got;
    serve([&](const FakeRequest& request) {
        if (request.method == "HEAD") return http_answer(404);
        if (request.method == "POST") return http_answer(202, "", "Location: /v2/up\r\n");
        EXPECT_EQ(request.method, "PUT");
        got = request.body;
        return http_answer(201);
    });
    EXPECT_EQ(put({}, "small"), Placed::uploaded);
    EXPECT_EQ(got, "small");
}

TEST_F(Upload, StartsASmallOneOverAfterACut) {
    int puts = 0;
    serve([&](const FakeRequest& request) {
        if (request.method == "HEAD" || request.method == "GET") return http_answer(404);
        if (request.method == "POST") return http_answer(202, "", "Location: /v2/up\r\n");
        EXPECT_EQ(request.body, "small");
        return puts++ == 0 ? std::string() : http_answer(201);
    });
    EXPECT_EQ(put({}, "small"), Placed::uploaded);
    EXPECT_EQ(fake_->count("POST"), 2u);
}

TEST_F(Upload, AsksFirstAndMounts) {
    serve([&](const FakeRequest&) { return http_answer(200); });
    EXPECT_EQ(put(), Placed::was_there);
    EXPECT_EQ(fake_->count("POST"), 0u);
    serve([&](const FakeRequest& request) {
        if (request.method == "HEAD") return http_answer(404);
        EXPECT_EQ(request.target,
                  "/v2/foo/bar/blobs/uploads/?mount=" + digest_ + "&from=other/repo");
        return http_answer(201);
    });
    EXPECT_EQ(put("other/repo"), Placed::mounted);
}

TEST_F(Upload, GoesOnAfterACut) {
    std::string got;
    int patches = 0;
    serve([&](const FakeRequest& request) {
        if (request.method == "HEAD") return http_answer(404);
        if (request.method == "POST") return http_answer(202, "", "Location: /v2/up\r\n");
        if (request.method == "GET")
            return http_answer(204, "", "Range: 0-999\r\nLocation: /v2/up\r\n");
        if (request.method == "PUT") return http_answer(201);
        if (patches++ == 0) {
            got = request.body.substr(0, 1000);
            return std::string();
        }
        EXPECT_TRUE(request.has("Content-Range: 1000-1999999")) << request.head;
        got += request.body;
        return http_answer(202, "", "Location: /v2/up\r\n");
    });
    EXPECT_EQ(put(), Placed::uploaded);
    EXPECT_EQ(got, bytes);
}

TEST_F(Upload, WaitsAsLongAsItIsTold) {
    std::map<std::string, int> asked;
    serve([&](const FakeRequest& request) {
        if (request.method == "HEAD") return http_answer(404);
        if (asked[request.method]++ == 0 && request.method != "GET") {
            const std::string seconds = request.method == "POST" ? "3" : "7";
            return http_answer(429, "", "Retry-After: " + seconds + "\r\n");
        }
        if (request.method == "PUT") return http_answer(201);
        return http_answer(request.method == "GET" ? 204 : 202, "",
                           "Location: /v2/up\r\nRange: 0-0\r\n");
    });
    using std::chrono::seconds;
    EXPECT_EQ(put(), Placed::uploaded);
    EXPECT_THAT(slept_, ::testing::ElementsAre(seconds(3), seconds(7), seconds(7)));
    slept_.clear();
    asked.clear();
    repository({}, Access::push).put_manifest("v1", std::string(oci::media_type::manifest), "{}");
    EXPECT_THAT(slept_, ::testing::ElementsAre(seconds(7)));
}

TEST_F(Upload, AStallIsACut) {
    stall_timeout_ = std::chrono::seconds(1);
    int patches = 0;
    serve([&](const FakeRequest& request) -> FakeAnswer {
        if (request.method == "HEAD") return http_answer(404);
        if (request.method == "PUT") return http_answer(201);
        if (request.method == "PATCH" && patches++ == 0) return {"", true};
        return http_answer(request.method == "GET" ? 204 : 202, "",
                           "Location: /v2/up\r\nRange: 0-1999999\r\n");
    });
    EXPECT_EQ(put(), Placed::uploaded);
    EXPECT_EQ(patches, 1) << "the registry had got all of it";
}

TEST_F(Upload, StartsOverWhenTheUploadIsForgotten) {
    int patches = 0;
    serve([&](const FakeRequest& request) {
        if (request.method == "HEAD" || request.method == "GET") return http_answer(404);
        if (request.method == "POST") return http_answer(202, "", "Location: /v2/up\r\n");
        if (request.method == "PUT") return http_answer(201);
        return patches++ == 0 ? http_answer(500) : http_answer(202, "", "Location: /v2/up\r\n");
    });
    EXPECT_EQ(put(), Placed::uploaded);
    EXPECT_EQ(fake_->count("POST"), 2u);
}

TEST_F(Upload, GivesUpAfterAsManyTriesAsOtherRequests) {
    serve([&](const FakeRequest& request) {
        if (request.method == "HEAD") return http_answer(404);
        if (request.method == "POST" || request.method == "PATCH")
            return http_answer(202, "", "Location: /v2/up\r\n");
        if (request.method == "GET")
            return http_answer(204, "", "Range: 0-1999999\r\nLocation: /v2/up\r\n");
        return http_answer(503);
    });
    EXPECT_THROW(put(), RegistryError);
    EXPECT_LT(fake_->count("PUT"), 10u);
}

TEST_F(Upload, TheLastAnswerMayBeLost) {
    bool is_there = false;
    serve([&](const FakeRequest& request) {
        if (request.method == "HEAD") return http_answer(is_there ? 200 : 404);
        if (request.method == "PUT") is_there = true;
        if (request.method == "PUT") return std::string();
        if (request.method == "GET") return http_answer(404);
        return http_answer(202, "", "Location: /v2/up\r\n");
    });
    EXPECT_EQ(put(), Placed::uploaded);
    EXPECT_EQ(fake_->count("PUT"), 1u);
    EXPECT_EQ(fake_->count("POST"), 1u) << "it is not sent again";
}

TEST_F(Upload, ManifestsGoUnderTheirType) {
    serve([&](const FakeRequest& request) {
        EXPECT_EQ(request.target, "/v2/foo/bar/manifests/v1");
        EXPECT_TRUE(request.has("Content-Type: " + std::string(oci::media_type::manifest)));
        EXPECT_EQ(request.body, "{}");
        return http_answer(201);
    });
    repository({}, Access::push).put_manifest("v1", std::string(oci::media_type::manifest), "{}");
}

}  // namespace
}  // namespace brig::registry
