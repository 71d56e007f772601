// Ranges of users for containers, from the host's account files.
#include "engine/userns_remap.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace brig::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

HostAccounts host() {
    return {{"root:x:0:0:root:/root:/bin/sh\nremap:x:990:991::/:/bin/false\n"
             "single:x:995:995::/:/bin/false\ndockremap:x:996:996::/:/bin/false\n",
             "root:x:0:\nremap:x:991:\nteam:x:992:remap\nsingle:x:995:\ndockremap:x:996:\n"},
            "other:1:1\n# made by hand\n\nremap:100000:65536\nremap:300000:1000\n995:500000:10\n"
            "single:1000:1\ndockremap:700000:65536\n",
            "remap:200000:65536\nsingle:600000:10\ndockremap:800000:65536\n"};
}

std::string refusal(const std::string& setting, const HostAccounts& accounts = host()) {
    try {
        remapped_owners(setting, accounts);
    } catch (const Error& e) {
        EXPECT_EQ(e.kind(), ErrorKind::invalid_argument);
        return e.message();
    }
    return "";
}

TEST(UsernsRemap, RangesFollowEachOther) {
    const auto owners = remapped_owners("remap", host());
    EXPECT_THAT(owners.users(),
                ElementsAre(IdMapping{0, 100000, 65536}, IdMapping{65536, 300000, 1000}));
    EXPECT_THAT(owners.groups(), ElementsAre(IdMapping{0, 200000, 65536}));
    EXPECT_EQ(store_of("/root", owners), "/root/100000.200000");
}

TEST(UsernsRemap, NamesAndNumbers) {
    for (const char* setting : {"remap", "remap:team", "990:991", "remap:992", "990:remap"})
        EXPECT_EQ(remapped_owners(setting, host()).users().front().host_id, 100000U) << setting;
    // By its number rather than by its name.
    EXPECT_EQ(remapped_owners("single", host()).users().front().host_id, 500000U);
    EXPECT_EQ(remapped_owners("995", host()).groups().front().host_id, 600000U);
    EXPECT_EQ(remapped_owners("default", host()).users().front().host_id, 700000U);
}

TEST(UsernsRemap, NothingAndRoot) {
    for (const char* setting : {"", "root", "0", "0:0", "root:root"}) {
        const auto owners = remapped_owners(setting, host());
        EXPECT_TRUE(owners.empty()) << setting;
        EXPECT_EQ(store_of("/root", owners), "/root");
    }
}

TEST(UsernsRemap, WhoIsNotThereIsNamed) {
    EXPECT_THAT(refusal("a:b:c"), HasSubstr("Invalid user/group specification"));
    for (const char* setting : {":", "remap:", ":remap"})
        EXPECT_THAT(refusal(setting), HasSubstr("Invalid user/group specification"));
    EXPECT_THAT(refusal("who"), HasSubstr("user \"who\" has no entry in /etc/passwd"));
    EXPECT_THAT(refusal("4711"), HasSubstr("user \"4711\" has no entry in /etc/passwd"));
    EXPECT_THAT(refusal("990"), HasSubstr("group \"990\" has no entry in /etc/group"));
    EXPECT_THAT(refusal("remap:who"), HasSubstr("group \"who\" has no entry in /etc/group"));
    EXPECT_THAT(refusal("default", {}), HasSubstr("there is no user dockremap in /etc/passwd"));
}

TEST(UsernsRemap, RangesThatAreMissingOrWrong) {
    auto accounts = host();
    accounts.subuid.clear();
    EXPECT_THAT(refusal("remap", accounts),
                HasSubstr("no ranges found for user remap in /etc/subuid"));
    accounts = host();
    accounts.subgid = "team:1000:10\n";
    EXPECT_THAT(refusal("remap:team", accounts),
                HasSubstr("no ranges found for user remap in /etc/subgid"));
    const auto with = [](const std::string& line) {
        auto out = host();
        out.subuid = "# ranges\n" + line + "\n";
        return refusal("remap", out);
    };
    EXPECT_THAT(with("remap"), HasSubstr("/etc/subuid:2: \"remap\" is not user:first:count"));
    EXPECT_THAT(with("other:1:2:3"), HasSubstr("is not user:first:count"));
    for (const char* number : {"", "x", "-1", "1e3", "4294967296", "99999999999999999999", " 1"})
        EXPECT_THAT(with("remap:1000:" + std::string(number)),
                    ::testing::AnyOf(HasSubstr("is no number of 32 bits"), HasSubstr("0:1000")))
            << number;
    EXPECT_THAT(with("remap:1000:0"), HasSubstr("of no numbers"));
    EXPECT_THAT(with("remap:4294967295:1"), HasSubstr("past the last number"));
    EXPECT_THAT(with("remap:1:4294967295\nremap:2:4294967295"), HasSubstr("more than 2^32"));
    EXPECT_THAT(with("remap:1000:10\nremap:1005:10"), HasSubstr("overlap"));
    EXPECT_THAT(with("remap:0:65536"), HasSubstr("hold the host's own root"));
    EXPECT_EQ(with("remap:1000:10"), "");
}

}  // namespace
}  // namespace brig::engine
