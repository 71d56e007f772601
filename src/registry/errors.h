// What registries answer when they refuse, as errors.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "registry/http.h"

namespace brig::registry {

/// A refusal. message() is docker's: "manifest unknown: manifest unknown".
class RegistryError : public Error {
public:
    RegistryError(ErrorKind kind, int status, std::string code, std::string message)
        : Error(kind, std::move(message)), status_(status), code_(std::move(code)) {}
    [[nodiscard]] int status() const { return status_; }
    /// "MANIFEST_UNKNOWN"; empty where the answer had none.
    [[nodiscard]] const std::string& code() const { return code_; }
    /// Whether the same request may succeed later.
    [[nodiscard]] bool passing() const { return status_ == 429 || status_ >= 500; }

    std::optional<std::chrono::seconds> retry_after;
    /// A 401 of the registry itself, whose challenge may be answered.
    bool is_challenge = false;

private:
    int status_;
    std::string code_;
};

/// From the head and the body (as far as it was read) of an answer to a request to `url`.
RegistryError registry_error(const HttpHead& head, std::string_view body, const Url& url);

/// Gathers a body in `out`; more than `limit` bytes is an error that names `what`.
BodySink bounded(std::string& out, std::size_t limit, std::string what);
/// Reads no more than is needed for registry_error.
BodySink error_body(std::string& out);

}  // namespace brig::registry
