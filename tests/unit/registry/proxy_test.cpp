// Which requests go through a proxy: Go's rules.
#include "registry/proxy.h"

#include "unit/registry/fixture.h"

namespace brig::registry {
namespace {

using ::testing::HasSubstr;

std::string way(const std::string& url, const std::string& none = "") {
    return proxy_for(Url::parse(url), {.http = "plain:1", .https = "https://safe:2", .none = none});
}

TEST(Proxy, IsChosenByTheScheme) {
    EXPECT_EQ(way("http://a.example/v2/"), "plain:1");
    EXPECT_EQ(way("https://a.example/v2/"), "https://safe:2");
    EXPECT_EQ(proxy_for(Url::parse("https://a.example"), {.http = "plain:1"}), "");
}

TEST(Proxy, IsNeverForLoopback) {
    for (const auto* url : {"http://localhost:5000", "https://127.0.0.1", "http://127.9.9.9:1",
                            "https://[::1]:5000"}) {
        EXPECT_EQ(way(url), "") << url;
    }
}

TEST(Proxy, IsNotForWhatNoProxySays) {
    const auto is_direct = [](const std::string& url, const std::string& none) {
        return way(url, none).empty();
    };
    EXPECT_TRUE(is_direct("https://a.example", "*"));
    EXPECT_TRUE(is_direct("https://a.example", "b.test, A.EXAMPLE"));
    EXPECT_TRUE(is_direct("https://x.a.example", "a.example"));
    EXPECT_FALSE(is_direct("https://xa.example", "a.example"));
    for (const auto* below : {".a.example", "*.a.example"}) {
        EXPECT_TRUE(is_direct("https://x.a.example", below));
        EXPECT_FALSE(is_direct("https://a.example", below));
    }
    EXPECT_TRUE(is_direct("https://a.example:5000", "a.example:5000"));
    EXPECT_FALSE(is_direct("https://a.example", "a.example:5000"));
    EXPECT_TRUE(is_direct("http://10.1.2.3:5000", "10.1.2.3"));
    EXPECT_TRUE(is_direct("http://10.1.2.3:5000", "10.0.0.0/8"));
    EXPECT_FALSE(is_direct("http://11.1.2.3:5000", "10.0.0.0/8"));
    EXPECT_FALSE(is_direct("http://10.1.2.3:5000", "10.1.2.3:80"));
    EXPECT_TRUE(is_direct("http://[fd00::7]:5000", "fd00::/8"));
    EXPECT_TRUE(is_direct("http://[fd00::7]:5000", "fd00::7"));
    EXPECT_TRUE(is_direct("http://[fd00::7]:5000", "[fd00::7]:5000"));
    for (const auto* nothing : {"", ",", " , ", "/8", "10.0.0.0/200", "10.0.0.0/x", ":", ":5000"})
        EXPECT_FALSE(is_direct("http://10.1.2.3:80", nothing)) << nothing;
}

class ProxyTest : public RegistryTest {};

TEST_F(ProxyTest, GetsTheWholeUrlOfAPlainRequest) {
    serve_all([](const FakeRequest& request) {
        EXPECT_THAT(request.target, HasSubstr("http://registry.test:5000/v2/"));
        return http_answer(200, request.target.ends_with("/v2/") ? "" : "bytes");
    });
    auto through = settings();
    through.proxies.http = fake_->host();
    through.insecure = {"registry.test:5000"};
    Repository(through, oci::Reference::parse("registry.test:5000/foo"), {}, Access::pull)
        .fetch_blob(describe("bytes"), store_, {});
}

TEST_F(ProxyTest, ThatRefusesIsNotAskedAgain) {
    serve_all([](const FakeRequest& request) {
        EXPECT_EQ(request.method, "CONNECT");
        return http_answer(407);
    });
    auto through = settings();
    through.proxies.https = fake_->host();
    Repository from(through, oci::Reference::parse("registry.test:5000/foo"), {}, Access::pull);
    EXPECT_THAT(error_of([&] { from.manifest("1"); }), HasSubstr("407"));
    EXPECT_TRUE(slept_.empty());
}

}  // namespace
}  // namespace brig::registry
