// The HTTP client against prepared answers: framing, reuse, errors, uploads, raw streams.
#include "client/client.h"

#include <gtest/gtest.h>

#include "unit/client/test_server.h"

namespace brig::client {
namespace {

using test::TestServer;

std::string ok(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST(Client, KeepsOneConnectionForCalls) {
    TestServer server({{ok("one"), ok("two")}});
    Client client(server.endpoint(), "1.51");
    EXPECT_EQ(client.call("GET", "/a").body, "one");
    EXPECT_EQ(client.call("POST", "/b", "{}").body, "two");
    EXPECT_EQ(server.accepted(), 1);
    EXPECT_NE(server.received().find("GET /v1.51/a HTTP/1.1\r\n"), std::string::npos);
    EXPECT_NE(
        server.received().find("Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"),
        std::string::npos);
}

TEST(Client, ConnectsAgainAfterTheEngineClosedAnIdleConnection) {
    TestServer server({{ok("one")}, {ok("two")}});
    Client client(server.endpoint(), "1.51");
    EXPECT_EQ(client.call("GET", "/a").body, "one");
    while (server.accepted() < 1) {
    }
    ::usleep(20000);  // the server hangs up after its last answer
    EXPECT_EQ(client.call("GET", "/b").body, "two");
}

TEST(Client, ReadsChunksWithExtensionsAndTrailersAndStaysUsable) {
    TestServer server(
        {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
          "5;x=y\r\nhello\r\n7\r\n, world\r\n0\r\nTrailer: t\r\n\r\n",
          ok("next")}});
    Client client(server.endpoint(), "1.51");
    EXPECT_EQ(client.call("GET", "/a").body, "hello, world");
    EXPECT_EQ(client.call("GET", "/b").body, "next");
    EXPECT_EQ(server.accepted(), 1);
}

TEST(Client, SkipsInterimResponses) {
    TestServer server({{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" +
                        ok("body")}});
    Client client(server.endpoint(), "1.51");
    EXPECT_EQ(client.call("GET", "/a").body, "body");
}

TEST(Client, ReadsAnUnframedBodyToTheEndOfTheConnection) {
    TestServer server({{"HTTP/1.0 200 OK\r\n\r\nall of it"}});
    Client client(server.endpoint(), "1.51");
    EXPECT_EQ(client.call("GET", "/a").body, "all of it");
}

TEST(Client, ReportsTheEnginesMessageWithItsKind) {
    TestServer server(
        {{"HTTP/1.1 404 Not Found\r\nContent-Length: 34\r\n\r\n{\"message\":\"No such container: "
          "x\"}"}});
    Client client(server.endpoint(), "1.51");
    try {
        client.call("GET", "/a");
        FAIL();
    } catch (const ApiError& error) {
        EXPECT_EQ(error.kind(), ErrorKind::not_found);
        EXPECT_EQ(error.said(), "No such container: x");
        EXPECT_EQ(error.message(), "Error response from daemon: No such container: x");
    }
}

TEST(Client, ACutBodyIsNoAnswer) {
    TestServer server({{"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"},
                       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"}});
    Client client(server.endpoint(), "1.51");
    for (int i = 0; i < 2; ++i) {
        try {
            client.call("GET", "/a");
            FAIL();
        } catch (const Error& error) {
            EXPECT_EQ(error.kind(), ErrorKind::unavailable);
        }
    }
}

TEST(Client, RefusesWhatIsNotHttp) {
    for (const std::string answer :
         {"nonsense\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n"}) {
        TestServer server({{answer}});
        Client client(server.endpoint(), "1.51");
        EXPECT_THROW(client.call("GET", "/a"), Error) << answer;
    }
}

TEST(Client, SaysWhatIsMissingWhereNobodyListens) {
    Client client(Endpoint{"/nonexistent/brig.sock"}, "1.51");
    try {
        client.call("GET", "/a");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::unavailable);
        EXPECT_EQ(error.message(),
                  "Cannot connect to the Brig engine at unix:///nonexistent/brig.sock. Is brigd "
                  "running?");
    }
}

TEST(Client, UploadsInChunksWhileTheAnswerIsRead) {
    TestServer server({{ok("loaded")}});
    Client client(server.endpoint(), "1.51");
    auto exchange = client.begin(
        {.method = "POST", .target = "/images/load", .content_type = "application/x-tar"},
        [](BodySink& sink) {
            sink.write("abc");
            sink.write("");
            sink.write("defg");
        });
    EXPECT_EQ(exchange.read_all(), "loaded");
    EXPECT_NE(server.received().find("\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"),
              std::string::npos);
}

TEST(Client, AFailingBodySourceIsWhatTheUserHearsOf) {
    TestServer server({{ok("never")}});
    Client client(server.endpoint(), "1.51");
    auto exchange = client.begin({.method = "POST", .target = "/build"}, [](BodySink& sink) {
        sink.write("abc");
        throw Error(ErrorKind::not_found, "file gone");
    });
    try {
        exchange.read_all();
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.message(), "file gone");
    }
}

TEST(Client, HijackKeepsWhatCameWithTheHead) {
    TestServer server(
        {{"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
          "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\nearly"}});
    Client client(server.endpoint(), "1.51");
    auto exchange = client.begin_hijack("/containers/x/attach?stream=1");
    const Hijacked raw = exchange.hijack();
    std::string text = raw.early;
    text += read_to_end(raw.socket.get(), 100);
    EXPECT_EQ(text, "early");
    EXPECT_EQ(raw.content_type, "application/vnd.docker.raw-stream");
    EXPECT_NE(server.received().find("Connection: Upgrade\r\nUpgrade: tcp\r\n"), std::string::npos);
}

TEST(Client, SplitsABodyIntoLines) {
    TestServer server(
        {{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
          "3\r\na\nb\r\n4\r\nc\r\nd\r\n0\r\n\r\n"}});
    Client client(server.endpoint(), "1.51");
    auto exchange = client.begin("GET", "/events");
    std::vector<std::string> lines;
    exchange.each_line([&](std::string_view line) { lines.emplace_back(line); });
    EXPECT_EQ(lines, (std::vector<std::string>{"a", "bc", "d"}));
}

TEST(Endpoint, OnlyUnixSocketsSoFar) {
    EXPECT_EQ(Endpoint::parse("unix:///run/x.sock").path, "/run/x.sock");
    EXPECT_EQ(Endpoint::parse("/run/x.sock").path, "/run/x.sock");
    EXPECT_THROW(Endpoint::parse("nonsense"), Error);
    for (const char* host : {"tcp://1.2.3.4:2375", "ssh://root@host"}) {
        try {
            Endpoint::parse(host);
            FAIL();
        } catch (const Error& error) {
            EXPECT_EQ(error.kind(), ErrorKind::not_implemented);
        }
    }
}

TEST(Query, EncodesValues) {
    EXPECT_EQ(Query().add("a", "x y/z&=é").flag("b", true).flag("c", false).str(),
              "?a=x%20y%2Fz%26%3D%C3%A9&b=1");
}

}  // namespace
}  // namespace brig::client
