// `docker logs` over files as brig-shim writes them.
#include "engine/log_reader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "base/file.h"
#include "engine/stream_format.h"

namespace brig::engine {
namespace {

class Logs : public ::testing::Test {
protected:
    static std::string line(const std::string& text, const std::string& time, bool err = false) {
        return R"({"log":")" + text + R"(\n","stream":")" + (err ? "stderr" : "stdout") +
               R"(","time":")" + time + "\"}\n";
    }
    void append(const std::string& text) { std::ofstream(path_, std::ios::app) << text; }

    /// Everything until the end of the stream, without the frames' headers.
    std::string read(
        LogQuery query, std::function<bool()> live = [] { return false; }) {
        auto pair = make_socket_pair();
        std::thread writer([&, end = std::move(pair.second)] {
            LogReader(path_, query, false, live).run(end.get());
        });
        const std::string bytes = read_to_end(pair.first.get(), 64U << 20U);
        writer.join();
        std::string out;
        FrameReader().feed(bytes, [&](std::string_view piece) { out += piece; });
        return out;
    }

    TempDir directory_{"/tmp", "brig-logs"};
    std::filesystem::path path_ = directory_.path() / "x.log";
};

TEST_F(Logs, AllTailAndStreams) {
    append(line("a", "2026-01-01T00:00:01Z") + line("b", "2026-01-01T00:00:02.5Z", true) +
           line("c", "2026-01-01T00:00:03Z"));
    EXPECT_EQ(read({}), "a\nb\nc\n");
    EXPECT_EQ(read({.tail = 2}), "b\nc\n");
    EXPECT_EQ(read({.tail = 0}), "");
    EXPECT_EQ(read({.tail = 100}), "a\nb\nc\n");
    EXPECT_EQ(read({.err = false}), "a\nc\n");
    EXPECT_EQ(read({.timestamps = true, .tail = 2}),
              "2026-01-01T00:00:02.500000000Z b\n2026-01-01T00:00:03.000000000Z c\n");
}

TEST_F(Logs, SinceAndUntil) {
    append(line("a", "2026-01-01T00:00:01Z") + line("b", "2026-01-01T00:00:02Z") +
           line("c", "2026-01-01T00:00:03Z"));
    EXPECT_EQ(read({.since = parse_rfc3339("2026-01-01T00:00:02Z")}), "b\nc\n");
    EXPECT_EQ(read({.until = parse_rfc3339("2026-01-01T00:00:02Z")}), "a\nb\n");
}

TEST_F(Logs, TailSpansRotatedFiles) {
    append(line("a", "2026-01-01T00:00:01Z") + line("b", "2026-01-01T00:00:02Z"));
    std::filesystem::rename(path_, path_.string() + ".1");
    append(line("c", "2026-01-01T00:00:03Z"));
    EXPECT_EQ(read({}), "a\nb\nc\n");
    EXPECT_EQ(read({.tail = 2}), "b\nc\n");
    EXPECT_EQ(read({.tail = 1}), "c\n");
}

TEST_F(Logs, DamageIsSkipped) {
    append(line("a", "2026-01-01T00:00:01Z") + "{\"log\":\"torn\n" + "\x00\x01\n" +
           line("b", "2026-01-01T00:00:02Z") + "{\"log\":\"half");
    EXPECT_EQ(read({}), "a\nb\n");
}

TEST_F(Logs, FollowsAcrossRotationToTheEnd) {
    append(line("a", "2026-01-01T00:00:01Z"));
    std::atomic<bool> live = true;
    std::thread container([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        append(line("b", "2026-01-01T00:00:02Z"));
        std::filesystem::rename(path_, path_.string() + ".1");
        append(line("c", "2026-01-01T00:00:03Z"));
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        append(line("d", "2026-01-01T00:00:04Z"));
        live = false;
    });
    EXPECT_EQ(read({.follow = true}, [&] { return live.load(); }), "a\nb\nc\nd\n");
    container.join();
}

TEST_F(Logs, FollowEndsWhenTheReaderGoes) {
    auto pair = make_socket_pair();
    std::thread writer([&, end = std::move(pair.second)] {
        LogReader(path_, {.follow = true}, true, [] { return true; }).run(end.get());
    });
    pair.first.reset();
    writer.join();
}

}  // namespace
}  // namespace brig::engine
