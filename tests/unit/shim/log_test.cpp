// The json-file log: escaping and lines as docker has them, rotation, a full disk.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "base/defer.h"
#include "base/file.h"
#include "shim/log_file.h"
#include "shim/log_format.h"

namespace brig::shim {
namespace {

using namespace std::string_literals;
namespace fs = std::filesystem;

std::string escaped(std::string_view text) {
    std::string out;
    append_json_escaped(out, text);
    return out;
}

TEST(LogEscape, ControlCharactersAndMarkup) {
    EXPECT_EQ(escaped("a\"b\\c\n\r\t\x01\x1b<>&\x7f\0z"s),
              "a\\\"b\\\\c\\n\\r\\u0009\\u0001\\u001b\\u003c\\u003e\\u0026\x7f\\u0000z");
}

TEST(LogEscape, Utf8PassesAndWhatIsNotBecomesTheReplacementCharacter) {
    EXPECT_EQ(escaped("häß€😀"), "häß€😀");
    EXPECT_EQ(escaped("a\xff\xfe-b"), "a\\ufffd\\ufffd-b");
    EXPECT_EQ(escaped("\xc0\x80"), "\\ufffd\\ufffd");             // overlong
    EXPECT_EQ(escaped("\xed\xa0\x80"), "\\ufffd\\ufffd\\ufffd");  // surrogate
    EXPECT_EQ(escaped("\xf4\x90\x80\x80"), "\\ufffd\\ufffd\\ufffd\\ufffd");
    EXPECT_EQ(escaped("x\xe2\x82"), "x\\ufffd\\ufffd");  // cut off
    EXPECT_EQ(escaped("\u2028\u2029"), "\\u2028\\u2029");
}

std::vector<std::string> split_all(std::initializer_list<std::string> reads) {
    LineSplitter splitter;
    std::vector<std::string> entries;
    const auto add = [&](std::string_view text, Instant) { entries.emplace_back(text); };
    for (const auto& read : reads) splitter.feed(read, now(), add);
    splitter.finish(add);
    return entries;
}

TEST(LogLines, EndAtLineFeedsHoweverTheyAreRead) {
    EXPECT_EQ(split_all({"one\ntwo\n\nth", "ree\n"}),
              (std::vector<std::string>{"one\n", "two\n", "\n", "three\n"}));
    EXPECT_EQ(split_all({"no end"}), (std::vector<std::string>{"no end"}));
    EXPECT_TRUE(split_all({""}).empty());
}

TEST(LogLines, AreCutAfter16KiB) {
    const std::string full(16384, 'x');
    EXPECT_EQ(split_all({full + "\n"}), (std::vector<std::string>{full, "\n"}));
    EXPECT_EQ(split_all({full + full + "yz\nnext"}),
              (std::vector<std::string>{full, full, "yz\n", "next"}));
    EXPECT_EQ(split_all({"ab", full, "\n"}),
              (std::vector<std::string>{"ab" + full.substr(2), "xx\n"}));
    EXPECT_EQ(split_all({full.substr(1) + "\n"}),
              (std::vector<std::string>{full.substr(1) + "\n"}));
}

TEST(LogLines, AllPartsOfALineHaveTheTimeOfItsFirst) {
    LineSplitter splitter;
    std::vector<Instant> times;
    const auto add = [&](std::string_view, Instant time) { times.push_back(time); };
    const Instant first(std::chrono::seconds(1));
    const Instant later(std::chrono::seconds(2));
    splitter.feed("begin", first, add);
    splitter.feed(std::string(20000, 'x'), later, add);
    splitter.feed("end\nnew\n", later, add);
    EXPECT_EQ(times, (std::vector{first, first, later}));
}

class LogFileTest : public testing::Test {
protected:
    [[nodiscard]] fs::path path(const std::string& suffix = "") const {
        return dir_.path() / ("log" + suffix);
    }
    TempDir dir_{fs::temp_directory_path(), "brig-log"};
    const Instant time_{std::chrono::nanoseconds(1'700'000'000'123'456'789)};
};

TEST_F(LogFileTest, IsDockersFormat) {
    LogFile log({path()});
    log.write("stdout", "hello\nwor", time_);
    log.write("stderr", "oops\n", time_);
    log.end("stdout");
    EXPECT_EQ(read_file(path()),
              R"({"log":"hello\n","stream":"stdout","time":"2023-11-14T22:13:20.123456789Z"})"
              "\n"
              R"({"log":"oops\n","stream":"stderr","time":"2023-11-14T22:13:20.123456789Z"})"
              "\n"
              R"({"log":"wor","stream":"stdout","time":"2023-11-14T22:13:20.123456789Z"})"
              "\n");
}

TEST_F(LogFileTest, RotatesBySizeAndKeepsSoMany) {
    LogFile log({path(), 200, 3});
    for (int i = 0; i < 10; ++i) log.write("stdout", fmt::format("line {}\n", i), time_);
    // Each entry has 77 bytes: three of them pass 200.
    EXPECT_THAT(read_file(path()), testing::HasSubstr("line 9"));
    EXPECT_THAT(read_file(path(".1")),
                testing::AllOf(testing::HasSubstr("line 6"), testing::HasSubstr("line 8")));
    EXPECT_THAT(read_file(path(".2")),
                testing::AllOf(testing::HasSubstr("line 3"), testing::HasSubstr("line 5")));
    EXPECT_FALSE(fs::exists(path(".3")));
}

TEST_F(LogFileTest, RotatesWithinOneRead) {
    LogFile log({path(), 100, 2});
    log.write("stdout", "a\nb\nc\nd\ne\n", time_);
    EXPECT_THAT(read_file(path()), testing::AllOf(testing::HasSubstr("e\\n"),
                                                  testing::Not(testing::HasSubstr("b\\n"))));
}

TEST_F(LogFileTest, OneFileIsTruncated) {
    LogFile log({path(), 100, 1});
    for (int i = 0; i < 5; ++i) log.write("stdout", fmt::format("line {}\n", i), time_);
    EXPECT_LE(fs::file_size(path()), 200U);
    EXPECT_FALSE(fs::exists(path(".1")));
    EXPECT_THAT(read_file(path()), testing::HasSubstr("line 4"));
}

TEST_F(LogFileTest, ContinuesAnOldFile) {
    LogFile({path()}).write("stdout", "old\n", time_);
    LogFile({path()}).write("stdout", "new\n", time_);
    EXPECT_THAT(read_file(path()),
                testing::AllOf(testing::HasSubstr("old"), testing::HasSubstr("new")));
}

TEST_F(LogFileTest, DropsWhatDoesNotFitAndLeavesNoHalfEntry) {
    // The file size limit stands in for a full disk: writes fail after a part of them went through.
    const auto disposition = ::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    Defer restore([&] {
        ::setrlimit(RLIMIT_FSIZE, &before);
        ::signal(SIGXFSZ, disposition);
    });
    LogFile log({path()});
    log.write("stdout", "fits\n", time_);
    const auto size = fs::file_size(path());
    const rlimit limit{static_cast<rlim_t>(size + 30), before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    log.write("stdout", "does not fit\n", time_);
    EXPECT_EQ(fs::file_size(path()), size);
    EXPECT_GT(log.dropped(), 0U);
    ::setrlimit(RLIMIT_FSIZE, &before);
    log.write("stdout", "fits again\n", time_);
    EXPECT_THAT(read_file(path()), testing::EndsWith("Z\"}\n"));
    EXPECT_THAT(read_file(path()), testing::HasSubstr("fits again"));
}

}  // namespace
}  // namespace brig::shim
