// Content digests: the OCI "algorithm:hex" form, validated where it enters, and SHA-256 itself.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace brig {

/// A valid "sha256:<64 lower-case hex digits>". Nothing else can be constructed, so a digest is
/// always safe to use as a file name (CVE-2014-9358, CVE-2024-3727).
class Digest {
public:
    /// Throws Error{invalid_argument}.
    static Digest parse(std::string_view text);
    static Digest of(std::string_view data);
    static Digest from_sha256(std::span<const std::byte, 32> hash);

    [[nodiscard]] const std::string& str() const { return text_; }
    /// The 64 hex digits.
    [[nodiscard]] std::string_view hex() const { return std::string_view(text_).substr(7); }
    auto operator<=>(const Digest&) const = default;

private:
    explicit Digest(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

/// Incremental SHA-256.
class Sha256 {
public:
    Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;
    ~Sha256();
    void update(std::span<const std::byte> data);
    void update(std::string_view data);
    /// The digest of everything so far; the hasher may go on afterwards.
    [[nodiscard]] Digest digest() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace brig
