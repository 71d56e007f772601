// Times and sizes as docker writes and reads them.
#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/error.h"
#include "base/random.h"
#include "base/strings.h"
#include "base/time.h"

namespace brig {
namespace {

using namespace std::chrono_literals;

TEST(Base64, GoesBothWays) {
    for (const char* text : {"", "f", "fo", "foo", "foob", "fooba", "foobar"}) {
        EXPECT_EQ(from_base64(base64(text)), text);
    }
    EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
    EXPECT_EQ(base64("fo"), "Zm8=");
    EXPECT_EQ(from_base64("_-8"), "\xff\xef");
    EXPECT_FALSE(from_base64("Zm9v!"));
    EXPECT_FALSE(from_base64("Zm9vY"));
}

TEST(Rfc3339, RoundTripsNanosecondsAndDropsTrailingZeros) {
    const Instant instant{1'700'000'000s + 120'000'000ns};
    EXPECT_EQ(format_rfc3339(instant), "2023-11-14T22:13:20.12Z");
    EXPECT_EQ(parse_rfc3339("2023-11-14T22:13:20.12Z"), instant);
    EXPECT_EQ(parse_rfc3339("2023-11-15T00:13:20.120000000+02:00"), instant);
}

TEST(Rfc3339, AbsenceIsGosZeroTime) {
    EXPECT_EQ(format_rfc3339(std::optional<Instant>{}), "0001-01-01T00:00:00Z");
    EXPECT_EQ(parse_rfc3339("0001-01-01T00:00:00Z"), std::nullopt);
}

TEST(Rfc3339, RefusesWhatIsNotATime) {
    for (const char* text :
         {"", "yesterday", "2023-13-01T00:00:00Z", "2023-02-30T00:00:00Z", "2023-01-01T24:00:00Z",
          "2023-01-01T00:00:00", "2023-01-01T00:00:00Zx"}) {
        EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
    }
}

TEST(Timestamp, AlsoTakesUnixSeconds) {
    EXPECT_EQ(parse_timestamp("1700000000.5"), Instant(1'700'000'000s + 500ms));
    EXPECT_EQ(parse_timestamp("1700000000x"), std::nullopt);
}

TEST(ParseBytes, PowersOf1024) {
    EXPECT_EQ(parse_bytes("1024"), 1024);
    EXPECT_EQ(parse_bytes("64m"), 64LL << 20);
    EXPECT_EQ(parse_bytes("1.5GiB"), 3LL << 29);
    EXPECT_EQ(parse_bytes("2kb"), 2048);
    for (const char* text : {"", "m", "12q", "-1", "1mm", "nan", "inf"}) {
        EXPECT_EQ(parse_bytes(text), std::nullopt) << text;
    }
}

TEST(Split, KeepsEmptyFields) {
    EXPECT_EQ(split("a::b", ':'), (std::vector<std::string>{"a", "", "b"}));
    EXPECT_EQ(split_once("k=v=w", '='),
              (std::pair<std::string, std::optional<std::string>>{"k", "v=w"}));
    EXPECT_EQ(split_once("k", '=').second, std::nullopt);
}

TEST(ParseInt, TakesTheWholeTextOnly) {
    EXPECT_EQ(parse_int<int>("42"), 42);
    EXPECT_EQ(parse_int<int>("42x"), std::nullopt);
    EXPECT_EQ(parse_int<std::uint16_t>("65536"), std::nullopt);
}

TEST(RandomHex, HasTheLengthAskedForAndDiffers) {
    EXPECT_EQ(random_hex(32).size(), 64U);
    EXPECT_NE(random_hex(32), random_hex(32));
}

TEST(Error, KindsSurviveTheWire) {
    for (int i = 0; i <= static_cast<int>(ErrorKind::internal); ++i) {
        const auto kind = static_cast<ErrorKind>(i);
        EXPECT_EQ(error_kind_from_string(to_string(kind)), kind);
    }
    EXPECT_EQ(error_kind_from_string("nonsense"), ErrorKind::internal);
}

}  // namespace
}  // namespace brig
