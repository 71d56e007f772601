// ttrpc's framing against well-formed, torn and hostile bytes.
#include "shim/frame.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace brig::shim {
namespace {

using namespace std::string_literals;

TEST(Frame, HasTheHeaderOfTheProtocol) {
    EXPECT_EQ(encode({0x01020304, FrameType::response, 5, "abc"}),
              "\x00\x00\x00\x03\x01\x02\x03\x04\x02\x05"
              "abc"s);
}

TEST(Frame, IsReadBackHoweverItIsTorn) {
    const std::string bytes =
        encode({1, FrameType::request, 0, "first"}) + encode({3, FrameType::data, 1, ""});
    FrameReader reader;
    std::vector<Frame> frames;
    for (const char c : bytes) {
        reader.feed({&c, 1});
        while (auto frame = reader.next()) frames.push_back(*frame);
    }
    ASSERT_EQ(frames.size(), 2U);
    EXPECT_EQ(frames[0].data, "first");
    EXPECT_EQ(frames[1].stream, 3U);
    EXPECT_EQ(frames[1].type, FrameType::data);
    EXPECT_EQ(frames[1].flags, remote_closed);
}

TEST(Frame, TruncatedStaysIncompleteAndKnowsWhatIsMissing) {
    FrameReader reader;
    EXPECT_EQ(reader.missing(), frame_header_size);
    const std::string bytes = encode({1, FrameType::request, 0, "hello"});
    reader.feed(bytes.substr(0, 10));
    EXPECT_FALSE(reader.next());
    EXPECT_EQ(reader.missing(), 5U);
    reader.feed(bytes.substr(10, 4));
    EXPECT_FALSE(reader.next());
    EXPECT_EQ(reader.missing(), 1U);
}

TEST(Frame, TooLargeIsRefusedFromItsHeaderOn) {
    FrameReader reader;
    reader.feed("\x00\x40\x00\x01\x00\x00\x00\x01\x01\x00"s);
    EXPECT_THROW(reader.next(), Error);
    EXPECT_THROW(encode({1, FrameType::request, 0, std::string(max_frame_data + 1, 'x')}), Error);
    FrameReader largest;
    largest.feed(encode({1, FrameType::request, 0, std::string(max_frame_data, 'x')}));
    EXPECT_EQ(largest.next()->data.size(), max_frame_data);
}

TEST(Frame, OfUnknownTypeIsRefused) {
    for (const char type : {'\x00', '\x04', '\xff'}) {
        FrameReader reader;
        reader.feed("\x00\x00\x00\x00\x00\x00\x00\x01"s + type + "\x00"s);
        EXPECT_THROW(reader.next(), Error);
    }
}

TEST(Frame, WhatFollowsCanBeTakenOver) {
    FrameReader reader;
    reader.feed(encode({1, FrameType::request, 0, "x"}) + "raw");
    ASSERT_TRUE(reader.next());
    EXPECT_EQ(reader.take_rest(), "raw");
}

}  // namespace
}  // namespace brig::shim
