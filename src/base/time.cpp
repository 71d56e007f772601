// Conversions by the C++20 calendar; no locale, no time zone database.
#include "base/time.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>

namespace brig {
namespace {

using namespace std::chrono;

/// Takes exactly `width` digits off the front.
std::optional<int> take_digits(std::string_view& text, std::size_t width) {
    if (text.size() < width) return std::nullopt;
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + width, value);
    if (error != std::errc{} || end != text.data() + width || text.front() == '-')
        return std::nullopt;
    text.remove_prefix(width);
    return value;
}

bool take(std::string_view& text, char expected) {
    if (text.empty() || text.front() != expected) return false;
    text.remove_prefix(1);
    return true;
}

/// The digits after a decimal point as nanoseconds; further digits are ignored.
std::optional<nanoseconds> take_fraction(std::string_view& text) {
    std::int64_t value = 0;
    std::int64_t scale = 1'000'000'000;
    std::size_t used = 0;
    while (used < text.size() && text[used] >= '0' && text[used] <= '9') {
        if (scale > 1) {
            value = value * 10 + (text[used] - '0');
            scale /= 10;
        }
        ++used;
    }
    if (used == 0) return std::nullopt;
    text.remove_prefix(used);
    return nanoseconds(value * scale);
}

std::optional<minutes> take_offset(std::string_view& text) {
    if (take(text, 'Z') || take(text, 'z')) return minutes(0);
    const bool negative = !text.empty() && text.front() == '-';
    if (!negative && (text.empty() || text.front() != '+')) return std::nullopt;
    text.remove_prefix(1);
    const auto hour = take_digits(text, 2);
    if (!hour || !take(text, ':')) return std::nullopt;
    const auto minute = take_digits(text, 2);
    if (!minute) return std::nullopt;
    const minutes offset = hours(*hour) + minutes(*minute);
    return negative ? -offset : offset;
}

}  // namespace

Instant now() { return time_point_cast<nanoseconds>(system_clock::now()); }

std::string format_rfc3339(Instant instant) {
    const auto day = floor<days>(instant);
    const year_month_day date(day);
    const hh_mm_ss time(floor<nanoseconds>(instant - day));
    std::string out =
        fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                    static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                    time.hours().count(), time.minutes().count(), time.seconds().count());
    if (const auto nanos = time.subseconds().count(); nanos != 0) {
        out += fmt::format(".{:09}", nanos);
        out.erase(out.find_last_not_of('0') + 1);
    }
    return out + "Z";
}

std::string format_rfc3339(const std::optional<Instant>& instant) {
    return instant ? format_rfc3339(*instant) : "0001-01-01T00:00:00Z";
}

std::optional<Instant> parse_rfc3339(std::string_view text) {
    const auto y = take_digits(text, 4);
    if (!y || !take(text, '-')) return std::nullopt;
    const auto mo = take_digits(text, 2);
    if (!mo || !take(text, '-')) return std::nullopt;
    const auto d = take_digits(text, 2);
    if (!d || text.empty() || (text.front() != 'T' && text.front() != 't' && text.front() != ' ')) {
        return std::nullopt;
    }
    text.remove_prefix(1);
    const auto h = take_digits(text, 2);
    if (!h || !take(text, ':')) return std::nullopt;
    const auto mi = take_digits(text, 2);
    if (!mi || !take(text, ':')) return std::nullopt;
    const auto s = take_digits(text, 2);
    if (!s) return std::nullopt;
    nanoseconds fraction(0);
    if (take(text, '.')) {
        const auto parsed = take_fraction(text);
        if (!parsed) return std::nullopt;
        fraction = *parsed;
    }
    const auto offset = take_offset(text);
    const year_month_day date(year(*y), month(static_cast<unsigned>(*mo)),
                              day(static_cast<unsigned>(*d)));
    if (!offset || !text.empty() || !date.ok() || *y <= 1 || *h > 23 || *mi > 59 || *s > 60) {
        return std::nullopt;
    }
    return Instant(sys_days(date).time_since_epoch() + hours(*h) + minutes(*mi) + seconds(*s) +
                   fraction - *offset);
}

std::optional<Instant> parse_timestamp(std::string_view text) {
    if (auto instant = parse_rfc3339(text)) return instant;
    std::int64_t whole = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
    if (error != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    nanoseconds fraction(0);
    if (take(text, '.')) {
        const auto parsed = take_fraction(text);
        if (!parsed) return std::nullopt;
        fraction = *parsed;
    }
    if (!text.empty()) return std::nullopt;
    return Instant(seconds(whole) + fraction);
}

bool is_before(const timespec& a, const timespec& b) {
    return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

}  // namespace brig
