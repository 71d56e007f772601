// The server over a real unix socket, with a service that does what its path says.
#include "http/server.h"

#include "unit/http/server_fixture.h"

namespace brig::http {
namespace {

TEST_F(ServerTest, KeepsConnectionsAndAnswersPipelinedRequestsInOrder) {
    auto c = client();
    c.send(
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
        "GET /empty HTTP/1.1\r\nHost: x\r\n\r\n"
        "PUT /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
        "chunked\r\n\r\n2\r\nhi\r\n1\r\n!\r\n0\r\n\r\n");
    EXPECT_NE(c.until("POST:abc").find("HTTP/1.1 200 OK\r\n"), std::string::npos);
    EXPECT_EQ(c.until("\r\n\r\n"), "HTTP/1.1 204 No Content\r\n\r\n");
    EXPECT_NE(c.until("PUT:hi!").find("Content-Length: 7\r\n"), std::string::npos);
}

TEST_F(ServerTest, HeadHasNoBody) {
    auto c = client();
    c.send("HEAD /echo HTTP/1.1\r\nHost: x\r\n\r\nGET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_NE(c.until("\r\n\r\n").find("Content-Length: 5\r\n"), std::string::npos);
    EXPECT_TRUE(c.until("GET:").starts_with("HTTP/1.1 200 OK"));
}

TEST_F(ServerTest, ClosesWhenAskedTo) {
    auto c = client();
    c.send("GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(c.rest().ends_with("GET:"));
    auto old = client();
    old.send("GET /stream?pieces=1 HTTP/1.0\r\n\r\n");
    const auto reply = old.rest();
    EXPECT_EQ(reply.find("chunked"), std::string::npos);
    EXPECT_TRUE(reply.ends_with("\r\n\r\n" + std::string(1000, 'x')));
}

TEST_F(ServerTest, ContinuesWhenExpected) {
    auto c = client();
    c.send("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_EQ(c.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    c.send("ok");
    c.until("POST:ok");
}

TEST_F(ServerTest, RefusesWhatIsNoHttp) {
    for (const auto* text :
         {"nonsense\r\n\r\n", "GET /echo HTTP/9.9\r\n\r\n", "GET\r\n\r\n",
          "POST /echo HTTP/1.1\r\nContent-Length: x\r\n\r\n",
          "POST /echo HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
          "GET /%zz HTTP/1.1\r\n\r\n"}) {
        auto c = client();
        c.send(text);
        const auto reply = c.until("}\n");
        EXPECT_TRUE(reply.starts_with("HTTP/1.1 400 Bad Request\r\n")) << text << reply;
        EXPECT_NE(reply.find("{\"message\":\""), std::string::npos) << reply;
        c.close_write();
        EXPECT_EQ(c.rest(), "");
    }
}

TEST_F(ServerTest, LimitsHeadersAndBodies) {
    auto c = client();
    c.send("GET /echo HTTP/1.1\r\nX: ");
    try {
        for (int i = 0; i < 20; ++i) c.send(std::string(100'000, 'x'));
    } catch (const SysError&) {
        // the server may have stopped listening to us by now
    }
    EXPECT_TRUE(c.until("\r\n").starts_with("HTTP/1.1 431 ")) << "oversized header";
    auto announced = client();
    announced.send("POST /echo HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n");
    EXPECT_TRUE(announced.until("\r\n").starts_with("HTTP/1.1 413 "));
    auto chunked = client();
    chunked.send("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n");
    chunked.send(std::string(0x200000, 'x'));
    EXPECT_TRUE(chunked.until("\r\n").starts_with("HTTP/1.1 413 "));
}

TEST_F(ServerTest, SaysNothingOfInternalFailures) {
    auto c = client();
    c.send("GET /throw HTTP/1.1\r\n\r\n");
    const auto reply = c.until("}\n");
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 500 "));
    EXPECT_EQ(reply.find("secret"), std::string::npos);
}

TEST_F(ServerTest, StreamsUploads) {
    auto c = client();
    c.send("POST /upload/count HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string chunk = "100000\r\n" + std::string(1U << 20U, 'x') + "\r\n";
    for (int i = 0; i < 50; ++i) c.send(chunk);
    c.send("0\r\n\r\n");
    c.until(std::to_string(50U << 20U));
    EXPECT_FALSE(service_.upload_broke);
    // The connection is still good.
    c.send("GET /echo HTTP/1.1\r\n\r\n");
    c.until("GET:");
}

TEST_F(ServerTest, TakesNoMoreOfAnUploadThanTheHandlerReads) {
    constexpr std::size_t size = 50U << 20U;
    auto c = client();
    c.send("POST /upload/count?wait HTTP/1.1\r\nContent-Length: " + std::to_string(size) +
           "\r\n\r\n");
    const std::string piece(65536, 'x');
    std::size_t taken = 0;
    pollfd writable{c.fd(), POLLOUT, 0};
    while (::poll(&writable, 1, 300) == 1) {
        const auto n = ::send(c.fd(), piece.data(), piece.size(), MSG_DONTWAIT);
        if (n > 0) taken += static_cast<std::size_t>(n);
    }
    EXPECT_LT(taken, 4U << 20U);
    service_.release.count_down();
    for (; taken < size; taken += std::min(piece.size(), size - taken)) {
        c.send(std::string_view(piece).substr(0, std::min(piece.size(), size - taken)));
    }
    c.until("\r\n\r\n" + std::to_string(size));
}

TEST_F(ServerTest, AnUploadThatBreaksOffIsNoEnd) {
    auto c = client();
    c.send("POST /upload/count HTTP/1.1\r\nContent-Length: 1000\r\n\r\npart");
    c.close();
    ASSERT_TRUE(eventually([&] { return service_.upload_over.load(); }));
    EXPECT_TRUE(service_.upload_broke);
    EXPECT_EQ(service_.upload_total, 4U);
}

TEST_F(ServerTest, AnUnwantedUploadIsReadAway) {
    auto c = client();
    c.send("POST /upload/refuse HTTP/1.1\r\nContent-Length: 5000000\r\n\r\n");
    for (int i = 0; i < 5; ++i) c.send(std::string(1'000'000, 'x'));
    EXPECT_TRUE(c.until("no").starts_with("HTTP/1.1 400 "));
    c.send("GET /echo HTTP/1.1\r\n\r\n");
    c.until("GET:");
}

TEST_F(ServerTest, StreamsReplies) {
    auto c = client();
    c.send("GET /stream?pieces=500 HTTP/1.1\r\n\r\n");
    const auto reply = c.until("\r\n0\r\n\r\n");
    EXPECT_NE(reply.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
    EXPECT_EQ(std::ranges::count(reply, 'x'), 500'000 + 1);  // one is in text/plain
    c.send("GET /echo HTTP/1.1\r\n\r\n");
    c.until("GET:");
}

TEST_F(ServerTest, ABrokenReplyHasNoLastChunk) {
    auto c = client();
    c.send("GET /broken HTTP/1.1\r\n\r\n");
    const auto reply = c.rest();
    EXPECT_NE(reply.find("half"), std::string::npos);
    EXPECT_FALSE(reply.ends_with("0\r\n\r\n"));
}

TEST_F(ServerTest, TellsTheProducerThatTheClientHasGone) {
    auto c = client();
    c.send("GET /endless HTTP/1.1\r\n\r\n");
    c.until("xxxx");
    c.close();
    EXPECT_TRUE(eventually([&] { return service_.producer_errno != 0; }));
    EXPECT_TRUE(service_.producer_errno == EPIPE || service_.producer_errno == ECONNRESET);
}

TEST_F(ServerTest, NoticesThatAClientLeavesASilentStream) {
    auto c = client();
    c.send("GET /silent HTTP/1.1\r\n\r\n");
    c.until("\r\n\r\n");
    c.close();
    EXPECT_TRUE(eventually([&] { return hung_up(service_.silent_end); }));
}

TEST_F(ServerTest, HijacksBothWaysWithHalfClose) {
    auto c = client();
    c.send(
        "POST /hijack HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: "
        "0\r\n\r\nearly ");
    const auto head = c.until("\r\n\r\n");
    EXPECT_TRUE(head.starts_with("HTTP/1.1 101 UPGRADED\r\n")) << head;
    EXPECT_NE(head.find("Connection: Upgrade\r\nUpgrade: tcp\r\n"), std::string::npos);
    EXPECT_NE(head.find("Content-Type: application/vnd.docker.raw-stream\r\n"), std::string::npos);
    c.send("input");
    c.close_write();
    EXPECT_EQ(read_to_end(service_.process.get(), 100), "early input");
    // Output still flows after the input's end.
    write_all(service_.process.get(), std::string_view("output"));
    c.until("output");
    service_.process.reset();
    EXPECT_EQ(c.rest(), "");
}

TEST_F(ServerTest, HijackWithoutUpgradeAnswers200) {
    auto c = client();
    c.send("POST /hijack HTTP/1.1\r\n\r\n");
    EXPECT_TRUE(c.until("\r\n\r\n").starts_with("HTTP/1.1 200 OK\r\n"));
    write_all(service_.process.get(), std::string_view("output"));
    service_.process.reset();
    EXPECT_EQ(c.rest(), "output");
}

TEST_F(ServerTest, AHijackedStreamCanBeginAfterTheHead) {
    auto c = client();
    c.send("POST /later HTTP/1.1\r\nConnection: Upgrade\r\n\r\n");
    c.until("\r\n\r\n");
    service_.release.count_down();
    EXPECT_EQ(c.rest(), "begun");
}

TEST_F(ServerTest, AHijackerThatLeavesIsNoticedWithoutOutput) {
    auto c = client();
    c.send("POST /hijack HTTP/1.1\r\nConnection: Upgrade\r\n\r\n");
    c.until("\r\n\r\n");
    c.close();
    EXPECT_TRUE(eventually([&] { return hung_up(service_.process); }));
}

TEST_F(ServerTest, HandlersThatBlockDoNotHoldUpOthers) {
    std::vector<RawClient> blocked;
    for (int i = 0; i < 40; ++i) {
        blocked.push_back(client());
        blocked.back().send("GET /held HTTP/1.1\r\n\r\n");
    }
    ASSERT_TRUE(eventually([&] { return service_.held_now == 40; }));
    auto c = client();
    c.send("GET /echo HTTP/1.1\r\n\r\n");
    c.until("GET:");
    service_.release.count_down();
    for (auto& b : blocked) b.until("released");
}

TEST_F(ServerTest, KnowsWhenItIsIdle) {
    {
        auto c = client();
        ASSERT_TRUE(eventually([&] { return !server_->idle_for(); }));
    }
    EXPECT_TRUE(eventually([&] { return server_->idle_for().has_value(); }));
}

TEST_F(ServerTest, ASecondEngineDoesNotTakeTheSocket) {
    EXPECT_THROW(listen_unix(path_, 0600, ""), Error);
    auto c = client();
    c.send("GET /echo HTTP/1.1\r\n\r\n");
    c.until("GET:");
}

TEST(Listen, ReplacesAStaleSocketWithTheModeGiven) {
    const TempDir directory("/tmp", "brig-api-test");
    const auto path = directory.path() / "s";
    { const auto dead = listen_unix(path, 0600, ""); }
    const auto alive = listen_unix(path, 0640, "");
    struct stat info {};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0640U);
    EXPECT_THROW(listen_unix(std::string(200, 'x'), 0600, ""), Error);
}

}  // namespace
}  // namespace brig::http
