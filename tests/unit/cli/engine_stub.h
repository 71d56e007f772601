// An engine for tests of whole commands: every connection in a thread of its own, answers chosen
// by the request's method and path, everything received recorded.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"

namespace brig::test {

class EngineStub {
public:
    struct Rule {
        std::string starts_with;  ///< "POST /containers/create"
        std::string answer;
        /// After the answer: talk on the raw connection, which is then closed.
        std::function<void(int)> raw;
    };

    explicit EngineStub(std::vector<Rule> rules)
        : rules_(std::move(rules)), directory_("/tmp", "brig-stub") {
        listener_ = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, socket().c_str(), sizeof address.sun_path - 1);
        if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
            ::listen(listener_.get(), 8) != 0) {
            throw SysError("listen on {}", socket());
        }
        acceptor_ = std::thread([this] {
            for (;;) {
                Fd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
                if (!peer) return;
                threads_.emplace_back([this, fd = std::move(peer)] { serve(fd.get()); });
            }
        });
    }
    ~EngineStub() {
        ::shutdown(listener_.get(), SHUT_RDWR);
        acceptor_.join();
        for (auto& thread : threads_) thread.join();
    }
    EngineStub(const EngineStub&) = delete;
    EngineStub& operator=(const EngineStub&) = delete;

    [[nodiscard]] std::string socket() const { return (directory_.path() / "s").string(); }
    /// The request lines so far, without version prefix and protocol, each with its body.
    [[nodiscard]] std::vector<std::string> requests() const {
        const std::lock_guard lock(mutex_);
        return requests_;
    }

    static std::string json(int status, const std::string& body) {
        return "HTTP/1.1 " + std::to_string(status) +
               " X\r\nContent-Type: application/json\r\nContent-Length: " +
               std::to_string(body.size()) + "\r\n\r\n" + body;
    }
    static std::string upgrade() {
        return "HTTP/1.1 101 UPGRADED\r\nContent-Type: "
               "application/vnd.docker.multiplexed-stream\r\n"
               "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
    }
    static void say(int fd, std::string_view text) {
        while (!text.empty()) {
            const auto n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
            if (n <= 0) return;
            text.remove_prefix(static_cast<std::size_t>(n));
        }
    }

private:
    void serve(int fd) {
        for (std::string head = read_until(fd, "\r\n\r\n"); !head.empty();
             head = read_until(fd, "\r\n\r\n")) {
            const std::string body = read_body(fd, head);
            // "POST /v1.51/x HTTP/1.1" → "POST /x"
            std::string line = head.substr(0, head.find(" HTTP/"));
            if (const auto version = line.find("/v1."); version != std::string::npos) {
                line.erase(version, line.find('/', version + 1) - version);
            }
            {
                const std::lock_guard lock(mutex_);
                requests_.push_back(line + (body.empty() ? "" : " " + body));
            }
            const Rule* rule = find(line);
            say(fd, rule == nullptr ? json(501, R"({"message":"no rule for )" + line + "\"}")
                                    : rule->answer);
            if (rule != nullptr && rule->raw) {
                rule->raw(fd);
                ::shutdown(fd, SHUT_RDWR);
                return;
            }
        }
    }
    const Rule* find(const std::string& line) const {
        for (const Rule& rule : rules_) {
            if (line.starts_with(rule.starts_with)) return &rule;
        }
        return nullptr;
    }
    static std::string read_until(int fd, std::string_view end) {
        std::string text;
        char byte = 0;
        while (!text.ends_with(end)) {
            if (::read(fd, &byte, 1) != 1) return {};
            text += byte;
        }
        return text;
    }
    static std::string read_body(int fd, const std::string& head) {
        std::string body;
        if (const auto at = head.find("Content-Length: "); at != std::string::npos) {
            body.resize(static_cast<std::size_t>(std::atoi(head.c_str() + at + 16)));
            for (char& c : body) {
                if (::read(fd, &c, 1) != 1) break;
            }
        } else if (head.find("chunked") != std::string::npos) {
            for (;;) {
                const auto size = std::strtoul(read_until(fd, "\r\n").c_str(), nullptr, 16);
                if (size == 0) break;
                std::string chunk(size + 2, '\0');
                for (char& c : chunk) {
                    if (::read(fd, &c, 1) != 1) break;
                }
                body += chunk.substr(0, size);
            }
            read_until(fd, "\r\n");
        }
        return body;
    }

    std::vector<Rule> rules_;
    TempDir directory_;
    Fd listener_;
    std::thread acceptor_;
    std::list<std::thread> threads_;
    mutable std::mutex mutex_;
    std::vector<std::string> requests_;
};

}  // namespace brig::test
