// Both inflaters of gzip, fed in pieces of any size.
#include <gmock/gmock.h>

#include <random>

#include "archive/gzip_inflater.h"
#include "archive/stream.h"
#include "base/error.h"

namespace brig::archive {
namespace {

using Make = std::unique_ptr<GzipInflater> (*)();

std::string gzipped(std::string_view text, int level = 6) {
    std::string out;
    GzipSink sink(
        [&](std::span<const std::byte> data) {
            out.append(reinterpret_cast<const char*>(data.data()), data.size());
        },
        level);
    sink.write(std::as_bytes(std::span(text)));
    sink.finish();
    return out;
}

/// Half noise, half text, past the window and the buffers.
std::string mixed(std::size_t size) {
    std::mt19937 random(7);
    std::string out;
    while (out.size() < size) {
        if (random() % 2 == 0) {
            out.append(random() % 3000, static_cast<char>('a' + random() % 26));
        } else {
            for (int i = 0; i < 1000; ++i) out += static_cast<char>(random());
        }
    }
    return out;
}

class InflaterTest : public ::testing::TestWithParam<Make> {
protected:
    void SetUp() override {
        if (!GetParam()()) GTEST_SKIP() << "ISA-L is not installed here";
    }
    /// One member, in pieces of `in` bytes, out in pieces of `out`.
    std::string inflate(std::string_view bytes, std::size_t in, std::size_t out) {
        const auto inflater = GetParam()();
        std::vector<std::byte> buffer(out);
        std::string text;
        std::size_t at = 0;
        for (std::size_t idle = 0; idle < 3;) {
            const auto piece = bytes.substr(at, in);
            const auto done = inflater->run(std::as_bytes(std::span(piece)), buffer);
            at += done.read;
            text.append(reinterpret_cast<const char*>(buffer.data()), done.written);
            if (done.member_ended) {
                rest_ = bytes.size() - at;
                return text;
            }
            idle = done.read + done.written == 0 ? idle + 1 : 0;
        }
        rest_ = std::string::npos;  // it has not ended
        return text;
    }
    std::size_t rest_ = 0;
};

TEST_P(InflaterTest, AnyPieces) {
    const std::string text = mixed(700'000);
    for (const int level : {1, 6, 9}) {
        const std::string bytes = gzipped(text, level);
        for (const auto& [in, out] : {std::pair{bytes.size(), text.size() + 10},
                                      {1000UL, 256UL * 1024},
                                      {65536UL, 1000UL},
                                      {7UL, 70000UL}}) {
            EXPECT_EQ(inflate(bytes, in, out), text) << in << " in, " << out << " out";
            EXPECT_EQ(rest_, 0U);
        }
    }
    EXPECT_EQ(inflate(gzipped("small"), 1, 1), "small");
    EXPECT_EQ(inflate(gzipped(""), 1, 1), "");
}

TEST_P(InflaterTest, WhatFollowsIsLeft) {
    const auto bytes = gzipped("one") + gzipped("two");
    EXPECT_EQ(inflate(bytes, bytes.size(), 100), "one");
    EXPECT_EQ(rest_, gzipped("two").size());
}

TEST_P(InflaterTest, DamageIsSeen) {
    const std::string text = mixed(100'000);
    const auto good = gzipped(text);
    auto wrong_sum = good;
    wrong_sum[wrong_sum.size() - 6] ^= 1;
    EXPECT_THROW(inflate(wrong_sum, 4096, 4096), Error);
    auto wrong_data = good;
    wrong_data[wrong_data.size() / 2] ^= 0x55;
    EXPECT_THROW(inflate(wrong_data, 4096, 4096), Error);
    EXPECT_THROW(inflate("no gzip at all, but text", 100, 100), Error);
    inflate(good.substr(0, good.size() - 5), 4096, 4096);
    EXPECT_EQ(rest_, std::string::npos) << "cut short";
}

INSTANTIATE_TEST_SUITE_P(Libraries, InflaterTest,
                         ::testing::Values(&make_zlib_inflater, &make_isal_inflater),
                         [](const auto& test) {
                             return test.param == &make_zlib_inflater ? "zlib" : "isal";
                         });

TEST(Decompress, SeveralMembersAndPadding) {
    const std::string text = mixed(300'000);
    const std::string bytes = gzipped(text) + gzipped("") + gzipped(text) + std::string(700, '\0');
    const auto source = decompress(from_memory(bytes));
    std::string out;
    for (auto chunk = source->next(); !chunk.empty(); chunk = source->next())
        out.append(reinterpret_cast<const char*>(chunk.data()), chunk.size());
    EXPECT_EQ(out, text + text);
    EXPECT_THROW(
        {
            const auto cut = decompress(from_memory(std::string_view(bytes).substr(0, 5000)));
            while (!cut->next().empty()) {
            }
        },
        Error);
}

}  // namespace
}  // namespace brig::archive
