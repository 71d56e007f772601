// An engine of a few lines for tests: accepts connections on a unix socket of its own and answers
// each request with the next of a list of prepared texts, recording what it was sent.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "client/endpoint.h"

namespace brig::test {

class TestServer {
public:
    /// Each connection gets the answers of one inner list, one per request; then it is closed.
    explicit TestServer(std::vector<std::vector<std::string>> connections)
        : connections_(std::move(connections)), directory_("/tmp", "brig-client-test") {
        listener_ = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path().c_str(), sizeof address.sun_path - 1);
        if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
            ::listen(listener_.get(), 8) != 0) {
            throw SysError("listen on {}", path());
        }
        thread_ = std::thread([this] { serve(); });
    }
    ~TestServer() {
        ::shutdown(listener_.get(), SHUT_RDWR);
        if (thread_.joinable()) thread_.join();
    }
    TestServer(const TestServer&) = delete;
    TestServer& operator=(const TestServer&) = delete;

    [[nodiscard]] std::string path() const { return (directory_.path() / "s").string(); }
    [[nodiscard]] client::Endpoint endpoint() const { return {path()}; }
    /// Everything received so far, heads and bodies.
    [[nodiscard]] std::string received() const {
        const std::lock_guard lock(mutex_);
        return received_;
    }
    [[nodiscard]] int accepted() const { return accepted_; }
    /// Waits for all prepared connections to be served.
    void finish() { thread_.join(); }

private:
    void serve() {
        for (const auto& answers : connections_) {
            const Fd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!peer) return;
            ++accepted_;
            for (const auto& answer : answers) {
                if (!read_request(peer.get())) break;
                std::string_view rest = answer;
                while (!rest.empty()) {
                    const auto n = ::send(peer.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
                    if (n <= 0) break;
                    rest.remove_prefix(static_cast<std::size_t>(n));
                }
            }
        }
    }

    /// Up to the end of one request: head, then a body by length or by chunks.
    bool read_request(int fd) {
        std::string text;
        char byte = 0;
        const auto more = [&] { return ::read(fd, &byte, 1) == 1 && (text += byte, true); };
        while (!text.ends_with("\r\n\r\n")) {
            if (!more()) return false;
        }
        if (const auto at = text.find("Content-Length: "); at != std::string::npos) {
            for (int left = std::atoi(text.c_str() + at + 16); left > 0; --left) {
                if (!more()) return false;
            }
        } else if (text.find("Transfer-Encoding: chunked") != std::string::npos) {
            while (!text.ends_with("\r\n0\r\n\r\n")) {
                if (!more()) break;
            }
        }
        const std::lock_guard lock(mutex_);
        received_ += text;
        return true;
    }

    std::vector<std::vector<std::string>> connections_;
    TempDir directory_;
    Fd listener_;
    std::thread thread_;
    mutable std::mutex mutex_;
    std::string received_;
    std::atomic<int> accepted_ = 0;
};

}  // namespace brig::test
