// SHA-256 by OpenSSL, which uses the processor's instructions where there are any. By the functions
// of that one algorithm, though OpenSSL 3 would rather be asked through EVP: for that it looks
// through its providers and configuration, and keeps two megabytes in memory.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/digest.h"

#include <openssl/sha.h>

#include <algorithm>

#include "base/error.h"

namespace brig {

struct Sha256::State {
    State() { ::SHA256_Init(&context); }
    SHA256_CTX context{};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(std::span<const std::byte> data) {
    ::SHA256_Update(&state_->context, data.data(), data.size());
}

void Sha256::update(std::string_view data) { update(std::as_bytes(std::span(data))); }

Digest Sha256::digest() const {
    State copy = *state_;
    std::array<std::byte, 32> hash{};
    ::SHA256_Final(reinterpret_cast<unsigned char*>(hash.data()), &copy.context);
    return Digest::from_sha256(hash);
}

Digest Digest::from_sha256(std::span<const std::byte, 32> hash) {
    std::string text = "sha256:";
    for (const std::byte b : hash) text += fmt::format("{:02x}", std::to_integer<unsigned>(b));
    return Digest(std::move(text));
}

Digest Digest::of(std::string_view data) {
    Sha256 hasher;
    hasher.update(data);
    return hasher.digest();
}

Digest Digest::parse(std::string_view text) {
    const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    constexpr std::string_view prefix = "sha256:";
    if (!text.starts_with(prefix) || text.size() != prefix.size() + 64 ||
        !std::ranges::all_of(text.substr(prefix.size()), is_hex)) {
        throw Error(ErrorKind::invalid_argument, "invalid digest {:?}: want sha256:<64 hex digits>",
                    text.substr(0, 100));
    }
    return Digest(std::string(text));
}

}  // namespace brig
