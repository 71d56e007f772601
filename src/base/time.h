// Wall-clock instants as the Docker API and the OCI specs write them (RFC 3339, nanoseconds, UTC).
#pragma once

#include <chrono>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace brig {

using Instant = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

Instant now();
/// "2026-11-21T07:40:00.123456789Z"; trailing zeros of the fraction are dropped as Go does.
/// The epoch's zero value of Go ("0001-01-01T00:00:00Z") is written for an absent instant.
std::string format_rfc3339(Instant instant);
std::string format_rfc3339(const std::optional<Instant>& instant);
/// Accepts any fraction and offset. `nullopt` for anything else and for Go's zero value.
std::optional<Instant> parse_rfc3339(std::string_view text);
/// Docker's "since"/"until" forms: RFC 3339, or unix seconds with an optional fraction.
std::optional<Instant> parse_timestamp(std::string_view text);

bool is_before(const timespec& a, const timespec& b);

}  // namespace brig
