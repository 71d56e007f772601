// The simplest client: what a test writes goes to the socket as it is.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"

namespace brig::http::test {

class RawClient {
public:
    explicit RawClient(const std::filesystem::path& path)
        : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
            throw SysError("connect {}", path.string());
        }
    }
    [[nodiscard]] int fd() const { return fd_.get(); }
    void send(std::string_view text) { write_all(fd_.get(), text); }
    void close_write() { ::shutdown(fd_.get(), SHUT_WR); }
    void close() { fd_.reset(); }
    /// Reads until `text` has arrived; gives everything up to and with it.
    std::string until(std::string_view text) {
        for (;;) {
            if (const auto at = pending_.find(text); at != std::string::npos) {
                auto out = pending_.substr(0, at + text.size());
                pending_.erase(0, at + text.size());
                return out;
            }
            if (!fill()) throw Error(ErrorKind::unavailable, "end of stream; have: {}", pending_);
        }
    }
    /// Everything up to the end of the connection.
    std::string rest() {
        while (fill()) {
        }
        return std::move(pending_);
    }

private:
    bool fill() {
        pollfd ready{fd_.get(), POLLIN, 0};
        if (::poll(&ready, 1, 10000) != 1)
            throw Error(ErrorKind::unavailable, "timeout; have: {}", pending_);
        std::vector<std::byte> buffer(65536);
        const auto count = read_some(fd_.get(), buffer);
        pending_.append(reinterpret_cast<const char*>(buffer.data()), count);
        return count > 0;
    }
    Fd fd_;
    std::string pending_;
};

}  // namespace brig::http::test
