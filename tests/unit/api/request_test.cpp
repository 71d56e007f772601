#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "api/http.h"
#include "api/reply.h"
#include "base/error.h"

namespace brig::api {
namespace {

Request parsed(std::string_view target) {
    Request request;
    parse_target(target, request);
    return request;
}

TEST(Target, IsDecoded) {
    const auto request = parsed("/images/a%2Fb/json?t=x%20y&t=z&empty&plus=a+b&eq=a=b");
    EXPECT_EQ(request.path, "/images/a/b/json");
    EXPECT_EQ(params(request, "t"), (std::vector<std::string>{"x y", "z"}));
    EXPECT_EQ(request.param("plus"), "a b");
    EXPECT_EQ(request.param("eq"), "a=b");
    EXPECT_TRUE(request.has_param("empty"));
    EXPECT_FALSE(request.has_param("absent"));
    EXPECT_EQ(parsed("/a+b").path, "/a+b");
}

TEST(Target, RefusesWhatCannotBeAName) {
    for (const auto* target : {"/a%", "/a%2", "/a%zz", "/a%00b", "/a%0ab", "/x?a=%"}) {
        EXPECT_THROW(parsed(target), Error) << target;
    }
}

TEST(Flags, AreDockers) {
    const auto request = parsed("/?a=1&b=true&c=0&d=false&e=&f=no&g=yes&h=None");
    for (const auto* name : {"a", "b", "g"}) EXPECT_TRUE(request.flag(name)) << name;
    for (const auto* name : {"c", "d", "e", "f", "h", "absent"})
        EXPECT_FALSE(request.flag(name)) << name;
    EXPECT_TRUE(request.flag("absent", true));
    EXPECT_FALSE(request.flag("c", true));
}

TEST(Versions, CompareByNumber) {
    Request request;
    request.version = "1.5";
    EXPECT_FALSE(request.at_least("1.40"));
    request.version = "1.100";
    EXPECT_TRUE(request.at_least("1.51"));
}

TEST(Body, OneClearLineForBadJson) {
    Request request;
    for (const auto* body : {"{", "[1]", "\"x\"", "{\"a\":}", "nul"}) {
        request.body = body;
        try {
            json_body(request);
            ADD_FAILURE() << body;
        } catch (const Error& error) {
            EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
            EXPECT_EQ(error.message().find('\n'), std::string::npos);
        }
    }
    request.body = " \n";
    EXPECT_TRUE(json_body(request).empty());
    request.body = "null";
    EXPECT_TRUE(json_body(request).is_object());
}

TEST(Parameters, NumbersAreChecked) {
    const auto request = parsed("/?t=5&bad=x&h=70000&e=");
    EXPECT_EQ(int_param(request, "t", 1), 5);
    EXPECT_EQ(int_param(request, "e", 1), 1);
    EXPECT_EQ(int_param(request, "absent", 7), 7);
    EXPECT_THROW(int_param(request, "bad", 1), Error);
    EXPECT_THROW(size_param(request, "h"), Error);
    EXPECT_THROW(size_param(request, "w"), Error);
}

TEST(Replies, SurviveBytesThatAreNoText) {
    const auto reply = json_reply({{"label", std::string("a\xff")}});
    EXPECT_NE(std::get<std::string>(reply.body).find("\xef\xbf\xbd"), std::string::npos);
}

}  // namespace
}  // namespace brig::api
