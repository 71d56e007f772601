// The HTTP server: all connections on the thread that calls run(), handlers on a pool of threads.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "http/message.h"

namespace brig::http {

/// Binds a unix stream socket and listens. A stale socket file is replaced; a live one is
/// Error{conflict}. `group` by name, ignored (with a log line) where it does not exist.
Fd listen_unix(const std::filesystem::path& path, mode_t mode = 0660,
               const std::string& group = "brig");

/// Binds and listens on "HOST:PORT", ":PORT" or "[V6]:PORT" (port 0: any that is free). Throws
/// Error naming the address.
Fd listen_tcp(const std::string& address);
/// The port that a TCP listener got.
std::uint16_t port_of(const Fd& listener);

struct ServerOptions {
    std::size_t header_limit = 1U << 20U;  ///< build arguments travel in the request line
    std::size_t body_limit = 4U << 20U;    ///< of buffered bodies
    std::size_t max_handlers = 128;        ///< requests being handled at once; more of them queue
};

/// PEM files; the certificate's may hold a chain.
struct TlsFiles {
    std::filesystem::path certificate;
    std::filesystem::path key;
};

class Server {
public:
    /// `service` must outlive the server.
    Server(Service& service, ServerOptions options = {});
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Accepts connections from `listener` too. Before run(), or from any thread later.
    void listen(Fd listener);
    /// The same, for connections in TLS.
    void listen(Fd listener, const TlsFiles& tls);
    /// Serves one connected stream socket; when it ends, so does run().
    void serve_only(Fd connection);
    /// Serves until stop(); then waits for handlers under way.
    void run();
    /// Thread-safe. Ends run(): connections are closed, running handlers finish unheard.
    void stop();
    /// How long no connection has been open; nothing while one is. Thread-safe. An engine that was
    /// started on demand goes away by this.
    [[nodiscard]] std::optional<std::chrono::steady_clock::duration> idle_for() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace brig::http
