// Who gets which credentials.
#include "unit/registry/fixture.h"

namespace brig::registry {
namespace {

using ::testing::HasSubstr;

const std::string basic = "Authorization: Basic dXNlcjpzZWNyZXQ=";  // user:secret
const Credentials user{.username = "user", .password = "secret"};
const std::string refusal =
    R"({"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]})";

class Auth : public RegistryTest {
protected:
    std::string tags(const Credentials& credentials) {
        return error_of([&] { EXPECT_EQ(repository(credentials).tags().size(), 1u); });
    }
    std::string token_answer(const FakeRequest& request) {
        token_requests_.push_back(request.target);
        return http_answer(200, R"({"token":"t0ken","expires_in":300})");
    }
    std::vector<std::string> token_requests_;
};

TEST_F(Auth, BasicIsSentWhenItIsAskedFor) {
    serve_all([&](const FakeRequest& request) {
        if (!request.has(basic))
            return http_answer(401, refusal, "WWW-Authenticate: Basic realm=\"x\"\r\n");
        return http_answer(200, R"({"tags":["a"]})");
    });
    EXPECT_EQ(tags(user), "no error");
    EXPECT_THAT(tags({}), HasSubstr("no basic auth credentials"));
    EXPECT_EQ(tags({.username = "user", .password = "wrong"}),
              "unauthorized: authentication required");
}

TEST_F(Auth, TokensAreFetchedOnceForAScope) {
    serve_all([&](const FakeRequest& request) {
        if (request.target.starts_with("/token")) {
            EXPECT_TRUE(request.has(basic));
            return token_answer(request);
        }
        if (request.has("Authorization: Bearer t0ken"))
            return http_answer(200, R"({"tags":["a"]})");
        return http_answer(
            401, refusal,
            "WWW-Authenticate: Bearer realm=\"" + fake_->url() + "/token\",service=\"me\"\r\n");
    });
    auto repo = repository(user);
    repo.tags();
    repo.tags();
    ASSERT_EQ(token_requests_.size(), 1u);
    EXPECT_THAT(token_requests_[0], HasSubstr("service=me&scope=repository%3afoo%2fbar%3apull"));
}

TEST_F(Auth, ATokenThatIsNoHeaderIsRefused) {
    serve_all([&](const FakeRequest& request) {
        if (request.target.starts_with("/token"))
            return http_answer(200, R"({"token":"a\r\nX-Evil: 1"})");
        return http_answer(401, "",
                           "WWW-Authenticate: Bearer realm=\"" + fake_->url() + "/token\"\r\n");
    });
    EXPECT_THAT(tags({}), HasSubstr("no token that can be used"));
}

TEST_F(Auth, CredentialsDoNotFollowARedirectElsewhere) {
    FakeRegistry other([&](const FakeRequest& request) {
        EXPECT_FALSE(request.has("Authorization")) << request.head;
        return http_answer(200, "blob");
    });
    serve_all([&](const FakeRequest& request) {
        if (!request.has(basic)) return http_answer(401, "", "WWW-Authenticate: Basic\r\n");
        return http_answer(307, "", "Location: " + other.url() + "/there\r\n");
    });
    repository(user).fetch_blob(describe("blob"), store_, {});
    EXPECT_EQ(other.count("/there"), 1u);
}

/// CVE-2020-15157: who a registry sends us to asks for the registry's credentials, for himself.
TEST_F(Auth, NobodyElseMayAskForCredentials) {
    std::string asked_by;
    FakeRegistry other([&](const FakeRequest& request) {
        EXPECT_FALSE(request.has("Authorization")) << request.head;
        return http_answer(401, "", "WWW-Authenticate: " + asked_by + "\r\n");
    });
    bool sends_on = false;
    serve_all([&](const FakeRequest& request) {
        if (request.target.starts_with("/token")) return token_answer(request);
        if (!request.has("Authorization: Bearer t0ken")) {
            return http_answer(401, "",
                               "WWW-Authenticate: Bearer realm=\"" + fake_->url() + "/token\"\r\n");
        }
        if (!sends_on) return http_answer(200, R"({"tags":["a"]})");
        return http_answer(request.method == "POST" ? 202 : 307, "",
                           "Location: " + other.url() + "/there\r\n");
    });
    for (const std::string& how :
         {"Bearer realm=\"" + other.url() + "/give\"", std::string("Basic realm=\"x\"")}) {
        asked_by = how;
        auto repo = repository(user, Access::push);
        sends_on = false;
        repo.tags();  // a token is known by now
        sends_on = true;
        EXPECT_THAT(error_of([&] { repo.fetch_blob(describe("blob"), store_, {}); }),
                    HasSubstr("401"));
        const auto lease = store_.lease();
        store_.put("blob");
        EXPECT_THAT(error_of([&] {
                        repo.put_blob(describe("blob"), store_.open(Digest::of("blob")), {}, {});
                    }),
                    HasSubstr("401"));
    }
    EXPECT_EQ(other.count("/there"), 4u);
    EXPECT_EQ(other.count("/give"), 0u);
}

/// CVE-2014-5277. A name that leads to loopback and is none of those that may be insecure.
TEST_F(Auth, PlainHttpIsForThoseThatAreSaidToBeInsecure) {
    serve_all([&](const FakeRequest& request) {
        return http_answer(200, request.target == "/v2/" ? "" : R"({"tags":["a"]})");
    });
    const auto host = "registry.localhost" + fake_->host().substr(fake_->host().find(':'));
    const auto name = oci::Reference::parse(host + "/foo/bar");
    auto how = settings();
    EXPECT_NE(error_of([&] { Repository(how, name, user, Access::pull).tags(); }), "no error");
    EXPECT_TRUE(fake_->asked().empty());
    how.insecure = {host};
    EXPECT_EQ(Repository(how, name, user, Access::pull).tags().size(), 1U);
}

TEST_F(Auth, AnIdentityTokenBuysTokens) {
    std::vector<std::string> bought;
    int good = 0;
    serve_all([&](const FakeRequest& request) {
        if (request.target == "/token") {
            EXPECT_EQ(request.method, "POST");
            EXPECT_FALSE(request.has("Authorization")) << request.head;
            bought.push_back(request.body);
            return http_answer(
                200, "{\"access_token\":\"t" + std::to_string(++good) + "\",\"expires_in\":1}");
        }
        if (request.has("Authorization: Bearer t" + std::to_string(good) + "\r\n"))
            return http_answer(200, R"({"tags":["a"]})");
        return http_answer(
            401, "",
            "WWW-Authenticate: Bearer realm=\"" + fake_->url() + "/token\",service=\"me\"\r\n");
    });
    auto repo = repository({.identity_token = "re/fresh+it"});
    EXPECT_EQ(repo.tags().size(), 1U);
    ASSERT_EQ(bought.size(), 1U) << "however short its life is said to be";
    EXPECT_THAT(bought[0], HasSubstr("grant_type=refresh_token&refresh_token=re%2Ffresh%2Bit&"));
    EXPECT_THAT(bought[0], HasSubstr("service=me&scope=repository%3Afoo%2Fbar%3Apull"));
    ++good;  // forgotten there
    EXPECT_EQ(repo.tags().size(), 1U);
    EXPECT_EQ(bought.size(), 2U);
}

TEST_F(Auth, LoginAsksForAnIdentityToken) {
    serve_all([&](const FakeRequest& request) {
        if (request.target.starts_with("/token")) {
            EXPECT_TRUE(request.has(basic));
            token_requests_.push_back(request.target);
            return http_answer(200, R"({"token":"t0ken","refresh_token":"fresh"})");
        }
        if (request.has("Authorization: Bearer t0ken")) return http_answer(200);
        return http_answer(401, "",
                           "WWW-Authenticate: Bearer realm=\"" + fake_->url() + "/token\"\r\n");
    });
    EXPECT_EQ(Session(settings(), fake_->host(), user).login(), "fresh");
    ASSERT_EQ(token_requests_.size(), 1U);
    EXPECT_THAT(token_requests_[0], HasSubstr("offline_token=true"));
}

TEST_F(Auth, RedirectsEnd) {
    serve([&](const FakeRequest& request) {
        return http_answer(302, "", "Location: " + request.target + "x\r\n");
    });
    EXPECT_THAT(error_of([&] { repository().tags(); }), HasSubstr("redirects more than"));
    serve([&](const FakeRequest&) {
        return http_answer(302, "", "Location: file:///etc/passwd\r\n");
    });
    EXPECT_THAT(error_of([&] { repository().tags(); }), HasSubstr("repository foo/bar"));
}

TEST_F(Auth, APortThatOnlySpeaksTlsSaysWhyThatFailed) {
    // As Go's servers answer plain HTTP there: "client sent an HTTP request to an HTTPS server".
    serve_all([](const FakeRequest&) { return http_answer(400); });
    EXPECT_THAT(tags({}), HasSubstr("https://" + fake_->host()));
}

TEST_F(Auth, ACredentialWithALineBreakIsRefused) {
    serve([&](const FakeRequest&) { return http_answer(200, R"({"tags":["a"]})"); });
    EXPECT_THAT(tags({.registry_token = "a\r\nX-Evil: 1"}), HasSubstr("control characters"));
}

}  // namespace
}  // namespace brig::registry
