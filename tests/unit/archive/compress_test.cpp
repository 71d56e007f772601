// What is compressed is read back, and is the same bytes twice.
#include "archive/compress.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace brig::archive {
namespace {

std::string compressed(Compression kind, const std::string& text, std::optional<int> level = {}) {
    std::string out;
    const auto sink = make_compressor(
        kind,
        [&](std::span<const std::byte> data) {
            out.append(reinterpret_cast<const char*>(data.data()), data.size());
        },
        level);
    for (std::size_t at = 0; at < text.size(); at += 100'000)
        sink->write(std::as_bytes(
            std::span(text).subspan(at).first(std::min<std::size_t>(100'000, text.size() - at))));
    sink->finish();
    return out;
}

std::string decompressed(const std::string& bytes) {
    const auto source = decompress(from_memory(bytes));
    std::string out;
    for (auto chunk = source->next(); !chunk.empty(); chunk = source->next())
        out.append(reinterpret_cast<const char*>(chunk.data()), chunk.size());
    return out;
}

TEST(Compressor, IsReadBack) {
    std::string text;
    for (unsigned i = 0; text.size() < 3'000'000; ++i) text += std::to_string(i * 7919);
    for (const auto kind : {Compression::none, Compression::gzip, Compression::zstd}) {
        for (const auto& one : {std::string(), std::string("short"), text}) {
            const auto bytes = compressed(kind, one);
            EXPECT_EQ(decompressed(bytes), one);
            EXPECT_EQ(compressed(kind, one), bytes);
        }
        const auto bytes = compressed(kind, text);
        EXPECT_EQ(detect(std::as_bytes(std::span(bytes))), kind);
    }
    EXPECT_LT(compressed(Compression::zstd, text, 19).size(),
              compressed(Compression::zstd, text, 1).size());
}

TEST(Compressor, RefusesWhatNoLayerHas) {
    EXPECT_THROW(compressed(Compression::xz, ""), Error);
    EXPECT_THROW(compressed(Compression::gzip, "", 10), Error);
    EXPECT_THROW(compressed(Compression::zstd, "", 0), Error);
    EXPECT_THROW(compressed(Compression::zstd, "", 23), Error);
}

}  // namespace
}  // namespace brig::archive
