// A server on a unix socket, with a service that does what its path says.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <latch>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "http/server.h"
#include "http/streams.h"
#include "unit/http/http_client.h"

namespace brig::http {

using test::RawClient;

class TestService : public Service {
public:
    BodyMode body_mode(const Request& head) const override {
        return head.path.starts_with("/upload") ? BodyMode::streamed : BodyMode::buffered;
    }

    Reply handle(Request request) override {
        if (request.path == "/echo") return {200, {}, request.method + ":" + request.body};
        if (request.path == "/empty") return {204, {}, {}};
        if (request.path == "/throw") throw std::runtime_error("secret");
        if (request.path == "/upload/count") return count(request);
        if (request.path == "/upload/refuse") return {400, {}, "no"};
        if (request.path == "/stream") return stream(request);
        if (request.path == "/endless") return endless();
        if (request.path == "/broken") return broken();
        if (request.path == "/silent") return silent();
        if (request.path == "/hijack") return hijack(request);
        if (request.path == "/later") return later();
        if (request.path == "/held") return held();
        return {404, {}, "nothing here"};
    }

    Reply count(Request& request) {
        if (request.has_param("wait")) release.wait();
        std::vector<std::byte> buffer(65536);
        std::size_t total = 0;
        try {
            while (const auto n = request.body_stream.read(buffer)) total += n;
        } catch (const Error&) {
            upload_broke = true;
        }
        upload_total = total;
        upload_over = true;
        return {200, {}, std::to_string(total)};
    }
    Reply stream(Request& request) {
        const auto pieces = std::stoi(request.param("pieces"));
        return streams.reply("text/plain", [pieces](int sink) {
            for (int i = 0; i < pieces; ++i) write_all(sink, std::string(1000, 'x'));
        });
    }
    Reply endless() {
        return streams.reply("text/plain", [this](int sink) {
            try {
                for (;;) write_all(sink, std::string(1000, 'x'));
            } catch (const SysError& error) {
                producer_errno = error.error_number();
                throw;
            }
        });
    }
    Reply broken() {
        return streams.reply("text/plain", [](int sink) {
            write_all(sink, std::string_view("half"));
            throw Error(ErrorKind::internal, "broke");
        });
    }
    Reply silent() {
        auto pair = make_socket_pair();
        silent_end = std::move(pair.second);
        return {200, {}, std::move(pair.first)};
    }
    Reply hijack(const Request& request) {
        auto pair = make_socket_pair();
        process = std::move(pair.second);
        Upgrade upgrade;
        upgrade.stream = std::move(pair.first);
        return {request.wants_upgrade() ? 101 : 200, {}, std::move(upgrade)};
    }
    Reply later() {
        Upgrade upgrade;
        upgrade.open = [this] {
            release.wait();
            auto pair = make_socket_pair();
            write_all(pair.second.get(), std::string_view("begun"));
            return std::move(pair.first);
        };
        return {101, {}, std::move(upgrade)};
    }
    Reply held() {
        ++held_now;
        release.wait();
        return {200, {}, "released"};
    }

    std::atomic<std::size_t> upload_total = 0;
    std::atomic<bool> upload_broke = false;
    std::atomic<bool> upload_over = false;
    std::atomic<int> producer_errno = 0;
    std::atomic<int> held_now = 0;
    std::latch release{1};
    Fd silent_end;
    Fd process;
    Streams streams;
};

inline bool eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 500; ++i) {
        if (condition()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
}

/// Asked, not waited for: poll(2) does not wake for a hang-up alone on every kernel.
inline bool hung_up(const Fd& end) {
    pollfd probe{end.get(), 0, 0};
    return ::poll(&probe, 1, 0) == 1 && (probe.revents & POLLHUP) != 0;
}

class ServerTest : public ::testing::Test {
protected:
    void SetUp() override {
        std::signal(SIGPIPE, SIG_IGN);
        server_ = std::make_unique<Server>(service_, ServerOptions{.body_limit = 1U << 20U});
        server_->listen(listen_unix(path_, 0600, ""));
        thread_ = std::thread([this] { server_->run(); });
    }
    void TearDown() override {
        server_->stop();
        thread_.join();
        server_.reset();
    }
    RawClient client() { return RawClient(path_); }

    TempDir directory_{"/tmp", "brig-api-test"};
    std::filesystem::path path_ = directory_.path() / "s";
    TestService service_;
    std::unique_ptr<Server> server_;
    std::thread thread_;
};

}  // namespace brig::http
