#include "http/router.h"

#include <gtest/gtest.h>

namespace brig::http {
namespace {

Handler named(const std::string& name) {
    return [name](Request&) { return Reply{200, {}, name}; };
}

class RouterTest : public ::testing::Test {
protected:
    RouterTest() {
        router_.add("GET", "/images/json", named("list"));
        router_.add("GET", "/images/{name*}/json", named("inspect"));
        router_.add("POST", "/images/load", named("load"), BodyMode::streamed);
        router_.add("DELETE", "/images/{name*}", named("remove"));
        router_.add("GET", "/containers/{id}/json", named("container"));
        router_.add_missing("POST", "/session");
    }

    std::string found(std::string_view method, std::string_view path) {
        const auto match = router_.find(method, path);
        if (!match) return "404";
        if (!match->route->handler) return "501";
        Request request;
        parameters_ = match->parameters;
        return std::get<std::string>(match->route->handler(request).body);
    }

    Router router_;
    std::map<std::string, std::string> parameters_;
};

TEST_F(RouterTest, PicksByMethodAndPath) {
    EXPECT_EQ(found("GET", "/images/json"), "list");
    EXPECT_EQ(found("GET", "/containers/abc/json"), "container");
    EXPECT_EQ(parameters_.at("id"), "abc");
    EXPECT_EQ(found("PUT", "/images/json"), "404");
    EXPECT_EQ(found("GET", "/containers/json"), "404");
    EXPECT_EQ(found("GET", "/containers//json"), "404");
    EXPECT_EQ(found("GET", "/"), "404");
}

TEST_F(RouterTest, ImageNamesHaveSlashes) {
    EXPECT_EQ(found("GET", "/images/localhost:5000/a/b:1/json"), "inspect");
    EXPECT_EQ(parameters_.at("name"), "localhost:5000/a/b:1");
    EXPECT_EQ(found("DELETE", "/images/a/b"), "remove");
    EXPECT_EQ(parameters_.at("name"), "a/b");
    EXPECT_EQ(found("DELETE", "/images/"), "404");
}

TEST_F(RouterTest, KnowsWhatIsMissing) { EXPECT_EQ(found("POST", "/session"), "501"); }

TEST_F(RouterTest, RemembersHowBodiesTravel) {
    EXPECT_EQ(router_.find("POST", "/images/load")->route->body, BodyMode::streamed);
    EXPECT_EQ(router_.find("GET", "/images/json")->route->body, BodyMode::buffered);
}

}  // namespace
}  // namespace brig::http
