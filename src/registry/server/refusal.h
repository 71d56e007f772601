// What the registry refuses, in the specification's words: a status, a code and a sentence.
#pragma once

#include <exception>
#include <string>
#include <string_view>

#include "base/error.h"
#include "http/message.h"

namespace brig::registry::server {

class Refusal : public Error {
public:
    Refusal(int status, std::string_view code, std::string message)
        : Error(ErrorKind::invalid_argument, std::move(message)), status_(status), code_(code) {}
    [[nodiscard]] int status() const { return status_; }
    [[nodiscard]] const std::string& code() const { return code_; }
    /// A header that goes with it.
    Refusal&& with(std::string name, std::string value) && {
        headers_.emplace_back(std::move(name), std::move(value));
        return std::move(*this);
    }
    [[nodiscard]] http::Reply reply() const;

private:
    int status_;
    std::string code_;
    std::vector<std::pair<std::string, std::string>> headers_;
};

/// A reply for anything that was thrown.
http::Reply refusal_reply(const std::exception_ptr& failure);

}  // namespace brig::registry::server
