// A registry of a few lines on loopback: answers come from a function of the request, as raw bytes,
// so that tests can say what no server would.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/digest.h"
#include "base/error.h"
#include "base/fd.h"

namespace brig::testing {

struct FakeRequest {
    std::string method;
    std::string target;
    std::string head;  ///< with all headers
    std::string body;

    [[nodiscard]] bool has(std::string_view text) const {
        return head.find(text) != std::string::npos;
    }
};

inline std::string http_answer(int status, const std::string& body = "",
                               const std::string& headers = "") {
    return "HTTP/1.1 " + std::to_string(status) +
           " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers + "\r\n" +
           body;
}

/// Raw bytes to send, and then to close, or to say nothing more until the client has gone.
struct FakeAnswer {
    std::string bytes;
    bool stalls = false;

    FakeAnswer(std::string text, bool then_stalls = false)
        : bytes(std::move(text)), stalls(then_stalls) {}
};

/// Serves one request per connection, connections side by side.
class FakeRegistry {
public:
    using Handler = std::function<FakeAnswer(const FakeRequest&)>;
    using Wait = std::function<void(const FakeRequest&)>;

    /// `handler` is asked one request at a time, each after `wait`, which others do not wait for.
    explicit FakeRegistry(Handler handler, Wait wait = {})
        : handler_(std::move(handler)), wait_(std::move(wait)) {
        listener_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        if (::bind(listener_.get(), generic, length) != 0 || ::listen(listener_.get(), 32) != 0 ||
            ::getsockname(listener_.get(), generic, &length) != 0) {
            throw SysError("listen on loopback");
        }
        port_ = ntohs(address.sin_port);
        acceptor_ = std::thread([this] { accept_all(); });
    }
    ~FakeRegistry() {
        ::shutdown(listener_.get(), SHUT_RDWR);
        acceptor_.join();
        for (auto& server : servers_) server.join();
    }
    FakeRegistry(const FakeRegistry&) = delete;
    FakeRegistry& operator=(const FakeRegistry&) = delete;

    /// "127.0.0.1:PORT"
    [[nodiscard]] std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] std::string url() const { return "http://" + host(); }
    /// "METHOD TARGET" of everything asked so far but GET /v2/.
    [[nodiscard]] std::vector<std::string> asked() const {
        const std::scoped_lock lock(mutex_);
        return asked_;
    }
    [[nodiscard]] std::size_t count(std::string_view text) const {
        std::size_t out = 0;
        for (const auto& line : asked()) out += line.find(text) != std::string::npos ? 1 : 0;
        return out;
    }

private:
    void accept_all() {
        for (;;) {
            const int peer = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
            if (peer < 0) return;
            servers_.emplace_back([this, peer] { serve(Fd(peer)); });
            if (servers_.size() < most_served) continue;
            servers_.front().join();
            servers_.pop_front();
        }
    }

    /// `body` gets what has come with the head.
    static bool read_head(int fd, std::string& head, std::string& body) {
        char buffer[4096];
        std::size_t end = std::string::npos;
        while (end == std::string::npos) {
            const auto n = ::recv(fd, buffer, sizeof buffer, 0);
            if (n <= 0) return false;
            head.append(buffer, static_cast<std::size_t>(n));
            if (head.front() == 0x16) return false;  // TLS
            end = head.find("\r\n\r\n");
        }
        body = head.substr(end + 4);
        head.resize(end + 4);
        return true;
    }

    void serve(const Fd& peer) {
        FakeRequest request;
        if (!read_head(peer.get(), request.head, request.body)) return;
        const auto space = request.head.find(' ');
        request.method = request.head.substr(0, space);
        request.target =
            request.head.substr(space + 1, request.head.find(' ', space + 1) - space - 1);
        if (const auto at = request.head.find("Content-Length: "); at != std::string::npos) {
            std::size_t got = request.body.size();
            request.body.resize(std::strtoul(request.head.c_str() + at + 16, nullptr, 10));
            while (got < request.body.size()) {
                const auto n =
                    ::recv(peer.get(), request.body.data() + got, request.body.size() - got, 0);
                if (n <= 0) return;
                got += static_cast<std::size_t>(n);
            }
        }
        if (wait_) wait_(request);
        const FakeAnswer answer = answer_to(request);
        send_all(peer.get(), answer.bytes);
        if (answer.stalls) wait_for_end(peer.get());
    }

    FakeAnswer answer_to(const FakeRequest& request) {
        const std::scoped_lock lock(mutex_);
        if (request.target != "/v2/") asked_.push_back(request.method + " " + request.target);
        return handler_(request);
    }

    static void send_all(int fd, std::string answer) {
        // One request per connection.
        if (answer.starts_with("HTTP/1.1 "))
            answer.insert(answer.find("\r\n") + 2, "Connection: close\r\n");
        std::string_view rest = answer;
        while (!rest.empty()) {
            const auto n = ::send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
            if (n <= 0) return;
            rest.remove_prefix(static_cast<std::size_t>(n));
        }
    }

    /// A client without patience comes to its end before this does.
    static void wait_for_end(int fd) {
        const timeval most{.tv_sec = 30, .tv_usec = 0};
        ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
        char byte = 0;
        while (::recv(fd, &byte, 1, 0) > 0) continue;
    }

    static constexpr std::size_t most_served = 64;
    Handler handler_;
    Wait wait_;
    Fd listener_;
    int port_ = 0;
    mutable std::mutex mutex_;
    std::vector<std::string> asked_;
    std::list<std::thread> servers_;
    std::thread acceptor_;
};

}  // namespace brig::testing
