// Lists, removal, referrers.
#include "registry/management.h"

#include <nlohmann/json.hpp>

#include "unit/registry/fixture.h"

namespace brig::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto index_head = R"({"schemaVersion":2,"manifests":[)";

class Management : public RegistryTest {
protected:
    std::unique_ptr<Session> session() {
        return std::make_unique<Session>(settings(), fake_->host(), Credentials());
    }
};

TEST_F(Management, RepositoriesComeInPages) {
    serve([](const FakeRequest& request) {
        if (request.target == "/v2/_catalog") {
            return http_answer(200, R"({"repositories":["a/one"]})",
                               "Link: </v2/_catalog?last=a>; rel=\"next\"\r\n");
        }
        return http_answer(200, R"({"repositories":["b/two"]})");
    });
    EXPECT_THAT(repositories(*session()), ElementsAre("a/one", "b/two"));
    const auto found = search(*session(), "two", 10);
    ASSERT_EQ(found.size(), 1);
    EXPECT_EQ(found[0].name, "b/two");
}

TEST_F(Management, RemovesByName) {
    serve([](const FakeRequest& request) {
        return http_answer(request.method == "DELETE" ? 202 : 500);
    });
    remove_manifest(*session(), "foo/bar", "1");
    EXPECT_THAT(fake_->asked(), ElementsAre("DELETE /v2/foo/bar/manifests/1"));
}

TEST_F(Management, ReferrersOfOneType) {
    const auto subject = Digest::of("x");
    serve([](const FakeRequest&) {
        return http_answer(
            200, std::string(index_head) + R"({"artifactType":"a"},{"artifactType":"b"},7]})");
    });
    const auto json = nlohmann::json::parse(referrers(*session(), "foo", subject, "b"));
    ASSERT_EQ(json.at("manifests").size(), 1);
    EXPECT_EQ(json.at("manifests")[0].at("artifactType"), "b");
}

TEST_F(Management, DocumentsOfBracketsAreRefused) {
    constexpr std::size_t deep = 1'000'000;
    serve([](const FakeRequest&) {
        return http_answer(200, std::string(index_head) + R"({"a":)" + std::string(deep, '[') +
                                    std::string(deep, ']') + "}]}");
    });
    EXPECT_THAT(error_of([&] { referrers(*session(), "foo", Digest::of("x"), ""); }),
                HasSubstr("nested too deeply"));
}

TEST_F(Management, ReferrersByTagWhereThereIsNoApi) {
    const auto subject = Digest::of("x");
    const std::string tag = "/manifests/sha256-" + std::string(subject.hex());
    bool has_tag = true;
    serve([&](const FakeRequest& request) {
        if (has_tag && request.target.ends_with(tag))
            return http_answer(200, std::string(index_head) + R"({"artifactType":"a"}]})");
        return http_answer(404);
    });
    EXPECT_THAT(referrers(*session(), "foo", subject, ""), HasSubstr("\"a\""));
    has_tag = false;
    EXPECT_THAT(referrers(*session(), "foo", subject, ""), HasSubstr("\"manifests\":[]"));
}

}  // namespace
}  // namespace brig::registry
