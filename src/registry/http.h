// One HTTP request after the other, by libcurl: no redirects, no retries, no credentials of its
// own. The only file pair that knows libcurl's transfers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "oci/ssh_name.h"
#include "registry/settings.h"
#include "registry/url.h"

namespace brig::registry {

/// A body read from a file.
struct FileBody {
    int fd;
    std::uint64_t offset;
    std::uint64_t size;  ///< from `offset` on
};

struct HttpRequest {
    std::string method = "GET";
    Url url;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    std::optional<FileBody> file;                     ///< instead of `body`
    std::function<void(std::uint64_t)> on_sent = {};  ///< bytes of `file` so far
};

struct HttpHead {
    int status = 0;
    std::multimap<std::string, std::string> headers;  ///< names in lower case

    /// The first value; empty when absent.
    [[nodiscard]] std::string header(std::string_view lower_case_name) const;
};

/// How a host is to be trusted.
struct Tls {
    bool verify = true;
    std::string authorities;  ///< a file of certificates in addition to the system's
    std::string certificate;
    std::string key;
};

/// Receives a body as it comes. What it throws ends the transfer and comes out of send().
using BodySink = std::function<void(const HttpHead&, std::span<const std::byte>)>;

/// The connection failed, not the server's logic.
class TransportError : public Error {
public:
    enum class Kind { connect, tls, cut };
    TransportError(Kind what, std::string message)
        : Error(ErrorKind::unavailable, std::move(message)), what_(what) {}
    [[nodiscard]] Kind what_failed() const { return what_; }

private:
    Kind what_;
};

/// Thread-safe; keeps connections for later requests.
class Http {
public:
    /// With `ssh`, every connection is a session to that registry, whatever the URL says.
    explicit Http(const Settings& settings, std::optional<oci::SshAddress> ssh = {});
    ~Http();

    /// Throws TransportError, Error{cancelled}, Error{invalid_argument} for a header that is none.
    HttpHead send(const HttpRequest& request, const Tls& tls, const BodySink& sink,
                  const Cancelled& cancelled = {});

private:
    struct Handle;
    class Handles;
    Handle handle();
    const Settings& settings_;
    std::optional<oci::SshAddress> ssh_;
    std::unique_ptr<Handles> handles_;
};

}  // namespace brig::registry
