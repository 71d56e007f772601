#include "api/dispatch.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "api/context.h"
#include "base/error.h"

namespace brig::api {
namespace {

class DispatchTest : public ::testing::Test {
protected:
    DispatchTest() {
        router_.add("GET", "/version", [](Request& request) {
            return Reply{200, {}, request.version};
        });
        router_.add("GET", "/fail/{kind}", [](Request& request) -> Reply {
            throw Error(error_kind_from_string(request.parameter("kind")), "went wrong");
        });
        router_.add("GET", "/bug", [](Request&) -> Reply { throw std::runtime_error("bug"); });
        add_missing_routes(router_);
    }

    Reply get(const std::string& path, const std::string& method = "GET") {
        Request request;
        request.method = method;
        request.path = path;
        return dispatch(router_, std::move(request));
    }
    static std::string body(const Reply& reply) { return std::get<std::string>(reply.body); }
    static std::string header(const Reply& reply, std::string_view name) {
        const auto found =
            std::ranges::find(reply.headers, name, [](const auto& h) { return h.first; });
        return found == reply.headers.end() ? "" : found->second;
    }

    Router router_;
};

TEST_F(DispatchTest, NegotiatesVersions) {
    EXPECT_EQ(body(get("/version")), "1.51");
    EXPECT_EQ(body(get("/v1.40/version")), "1.40");
    EXPECT_EQ(body(get("/v1.51/version")), "1.51");
}

TEST_F(DispatchTest, RefusesVersionsInDockersWords) {
    const auto old = get("/v1.24/version");
    EXPECT_EQ(old.status, 400);
    EXPECT_EQ(
        body(old),
        "{\"message\":\"client version 1.24 is too old. Minimum supported API version is 1.40, "
        "please upgrade your client to a newer version\"}\n");
    const auto future = get("/v1.99/version");
    EXPECT_EQ(future.status, 400);
    EXPECT_EQ(body(future),
              "{\"message\":\"client version 1.99 is too new. Maximum supported API version is "
              "1.51\"}\n");
    EXPECT_EQ(get("/v2.0/version").status, 400);
    EXPECT_EQ(get("/vX/version").status, 404);
    EXPECT_EQ(get("/v1/version").status, 404);
}

TEST_F(DispatchTest, ToldApartUnknownAndMissing) {
    EXPECT_EQ(get("/nonsense").status, 404);
    EXPECT_EQ(body(get("/nonsense")), "{\"message\":\"page not found\"}\n");
    const auto missing = get("/v1.47/swarm");
    EXPECT_EQ(missing.status, 501);
    EXPECT_EQ(body(missing), "{\"message\":\"GET /swarm is not implemented\"}\n");
    EXPECT_EQ(get("/plugins/a/b/json").status, 404);
    EXPECT_EQ(get("/plugins/a/b/set", "POST").status, 501);
    EXPECT_EQ(get("/containers/x/attach/ws").status, 501);
}

TEST_F(DispatchTest, MapsEveryKindToAStatus) {
    EXPECT_EQ(get("/fail/not_found").status, 404);
    EXPECT_EQ(get("/fail/already_exists").status, 409);
    EXPECT_EQ(get("/fail/conflict").status, 409);
    EXPECT_EQ(get("/fail/invalid_argument").status, 400);
    EXPECT_EQ(get("/fail/failed_precondition").status, 409);
    EXPECT_EQ(get("/fail/permission_denied").status, 403);
    EXPECT_EQ(get("/fail/unavailable").status, 503);
    EXPECT_EQ(get("/fail/not_implemented").status, 501);
    EXPECT_EQ(get("/fail/internal").status, 500);
    EXPECT_EQ(get("/bug").status, 500);
    EXPECT_EQ(body(get("/fail/conflict")), "{\"message\":\"went wrong\"}\n");
}

TEST_F(DispatchTest, EveryReplySaysWhoWeAre) {
    for (const auto* path : {"/version", "/nonsense", "/v1.99/version"}) {
        const auto reply = get(path);
        EXPECT_EQ(header(reply, "Api-Version"), "1.51") << path;
        EXPECT_EQ(header(reply, "Docker-Experimental"), "false") << path;
        EXPECT_FALSE(header(reply, "Ostype").empty()) << path;
        EXPECT_TRUE(header(reply, "Server").starts_with("Brig/")) << path;
    }
}

}  // namespace
}  // namespace brig::api
