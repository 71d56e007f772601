// Maps of owners: what they refuse, and what they make of numbers and attributes.
#include "archive/owner_map.h"

#include <gmock/gmock.h>

#include "fixture.h"
#include "os/posix_acl.h"

namespace brig::archive {
namespace {

using os::AclTag;
using ::testing::HasSubstr;
using Ranges = std::vector<IdMapping>;
using Xattrs = std::vector<std::pair<std::string, std::string>>;
using namespace std::string_literals;

constexpr std::uint32_t nobody = 0xffffffff;

std::string refusal_of(const Ranges& ranges) {
    return refusal([&] { OwnerMap(ranges, ranges); });
}

OwnerMap simple() { return {{{0, 100000, 65536}}, {{0, 200000, 65536}}}; }

std::string capability_2(char flags = 1) {
    return flags + "\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0"s;
}
std::string capability_3(const std::string& root, char flags = 1) {
    return flags + "\0\0\x03\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0"s + root;
}
const std::string root_100000 = "\xa0\x86\x01\0"s;

std::string capability(const std::string& value, To where, const OwnerMap& map = simple()) {
    Xattrs xattrs{{"security.capability", value}};
    map.translate(xattrs, where);
    return xattrs[0].second;
}

std::string acl(std::vector<os::AclEntry> named) {
    named.insert(
        named.end(),
        {{AclTag::owner, 7}, {AclTag::owning_group, 5}, {AclTag::mask, 7}, {AclTag::other, 0}});
    return *os::encode_acl(std::move(named));
}

TEST(OwnerMap, ChangesNothingWhereThereIsNone) {
    const OwnerMap none;
    EXPECT_TRUE(none.empty());
    for (const std::uint32_t id : {0U, 1000U, nobody - 1}) {
        EXPECT_EQ(none.user(id, To::disk), id);
        EXPECT_EQ(none.group(id, To::archive), id);
    }
    Xattrs xattrs{{"security.capability", "what ever"}, {os::access_acl, "x"}};
    const Xattrs before = xattrs;
    none.translate(xattrs, To::disk);
    EXPECT_EQ(xattrs, before);
}

TEST(OwnerMap, BothWays) {
    const auto map = simple();
    EXPECT_EQ(map.user(0, To::disk), 100000U);
    EXPECT_EQ(map.user(65535, To::disk), 165535U);
    EXPECT_EQ(map.group(7, To::disk), 200007U);
    EXPECT_EQ(map.user(100000, To::archive), 0U);
    EXPECT_EQ(map.group(265535, To::archive), 65535U);
}

TEST(OwnerMap, WhatItDoesNotHoldIsNamed) {
    const auto map = simple();
    EXPECT_THAT(refusal([&] { (void)map.user(65536, To::disk); }),
                HasSubstr("user 65536 has no place in the mapping 0:100000:65536"));
    EXPECT_THAT(refusal([&] { (void)map.group(199999, To::archive); }),
                HasSubstr("group 199999 of the host has no place in the mapping 0:200000:65536"));
    for (const To where : {To::disk, To::archive}) {
        EXPECT_THAT(refusal([&] { (void)map.user(nobody, where); }), HasSubstr("no place"));
    }
}

TEST(OwnerMap, StrangersAreNobodyWhereThatIsAskedFor) {
    const auto map = simple().with_strangers();
    EXPECT_EQ(map.user(0, To::archive), 65534U);
    EXPECT_EQ(map.group(200007, To::archive), 7U);
    EXPECT_THAT(refusal([&] { (void)map.user(65536, To::disk); }), HasSubstr("no place"));
}

TEST(OwnerMap, RangesWithGapsInAnyOrder) {
    const Ranges ranges{{1000, 5000, 10}, {0, 3000, 1}, {2000, 1000, 5}};
    const OwnerMap map(ranges, ranges);
    EXPECT_EQ(map.user(0, To::disk), 3000U);
    EXPECT_EQ(map.user(1009, To::disk), 5009U);
    EXPECT_EQ(map.user(2004, To::disk), 1004U);
    EXPECT_EQ(map.user(5000, To::archive), 1000U);
    for (const std::uint32_t id : {1U, 999U, 1010U, 1999U, 2005U})
        EXPECT_THAT(refusal([&] { (void)map.user(id, To::disk); }), HasSubstr("no place"));
    EXPECT_THAT(refusal([&] { (void)map.user(2999, To::archive); }), HasSubstr("no place"));
}

TEST(OwnerMap, NeighboursDoNotOverlap) {
    EXPECT_EQ(refusal_of({{0, 1000, 1}, {1, 100000, 65535}}), "");
    EXPECT_EQ(refusal_of({{10, 20, 10}, {0, 10, 10}}), "");
}

TEST(OwnerMap, TheLastNumbers) {
    const Ranges last{{0, nobody - 1, 1}};
    EXPECT_EQ(OwnerMap(last, last).user(0, To::disk), nobody - 1);
    const Ranges all{{0, 0, nobody}};
    EXPECT_EQ(OwnerMap(all, all).user(nobody - 1, To::disk), nobody - 1);
}

TEST(OwnerMap, RefusesWhatNoNamespaceHas) {
    EXPECT_THAT(refusal_of({{0, 0, 0}}), HasSubstr("mapping 0:0:0 is of no numbers"));
    for (const Ranges& ranges :
         {Ranges{{0, nobody, 1}}, Ranges{{nobody, 0, 1}}, Ranges{{1, 0, nobody}},
          Ranges{{0, 1, nobody}}, Ranges{{0, 0x80000000, 0x80000000}}})
        EXPECT_THAT(refusal_of(ranges), HasSubstr("past the last number"));
    // The same inside, and the same outside.
    EXPECT_THAT(refusal_of({{0, 1000, 10}, {9, 2000, 10}}), HasSubstr("overlap"));
    EXPECT_THAT(refusal_of({{0, 1000, 10}, {10, 1009, 10}}), HasSubstr("overlap"));
    EXPECT_THAT(refusal_of({{0, 1000, 10}, {0, 2000, 1}}), HasSubstr("overlap"));
    Ranges many;
    for (std::uint32_t i = 0; i <= 340; ++i) many.push_back({i, i, 1});
    EXPECT_THAT(refusal_of(many), HasSubstr("340 is the most"));
    EXPECT_THAT(refusal([] { OwnerMap({{0, 1, 1}}, {}); }), HasSubstr("for the groups"));
    EXPECT_THAT(refusal([] { OwnerMap({}, {{0, 1, 1}}); }), HasSubstr("for the users"));
}

TEST(OwnerMap, CapabilitiesGetTheNamespacesRoot) {
    for (const char flags : {'\0', '\1'}) {
        const auto on_disk = capability(capability_2(flags), To::disk);
        EXPECT_EQ(on_disk, capability_3(root_100000, flags));
        EXPECT_EQ(capability(on_disk, To::archive), capability_2(flags));
    }
    // Of a namespace within ours.
    const auto inner = capability_3("\1\0\0\0"s);
    EXPECT_EQ(capability(inner, To::disk), capability_3("\xa1\x86\x01\0"s));
    EXPECT_EQ(capability(capability(inner, To::disk), To::archive), inner);
    // Given by the host's own root.
    EXPECT_EQ(capability(capability_2(), To::archive), capability_2());
}

TEST(OwnerMap, CapabilitiesThatAreNoneOrOfNobodyHere) {
    for (const auto& value :
         {""s, "\1\0"s, capability_2().substr(0, 12), capability_2() + root_100000,
          capability_3(""), capability_3("\0\0\0\0\0"s), capability_2(2),
          "\0\0\0\4"s + root_100000})
        EXPECT_THAT(refusal([&] { capability(value, To::disk); }),
                    HasSubstr("attribute security.capability"));
    EXPECT_THAT(refusal([] { capability(capability_3("\xff\xff\xff\xff"), To::disk); }),
                HasSubstr("no place"));
    EXPECT_THAT(refusal([] { capability(capability_3("\1\0\0\0"s), To::archive); }),
                HasSubstr("user 1 of the host"));
    const Ranges rootless{{1, 100000, 10}};
    EXPECT_THAT(
        refusal([&] { capability(capability_2(), To::disk, OwnerMap(rootless, rootless)); }),
        HasSubstr("user 0 has no place"));
}

TEST(OwnerMap, AclsNameOthers) {
    for (const char* key : {os::access_acl, os::default_acl}) {
        const auto inside = acl({{AclTag::user, 7, 1000}, {AclTag::group, 5, 1000}});
        Xattrs xattrs{{"user.note", inside}, {key, inside}};
        simple().translate(xattrs, To::disk);
        EXPECT_EQ(xattrs[0].second, inside);
        EXPECT_EQ(xattrs[1].second, acl({{AclTag::user, 7, 101000}, {AclTag::group, 5, 201000}}));
        simple().translate(xattrs, To::archive);
        EXPECT_EQ(xattrs[1].second, inside);
    }
}

TEST(OwnerMap, AclsKeepTheirOrder) {
    const Ranges crossed{{1, 2000, 1}, {2, 1000, 1}};
    const auto inside = acl({{AclTag::user, 7, 1}, {AclTag::user, 6, 2}});
    Xattrs xattrs{{os::access_acl, inside}};
    const OwnerMap map(crossed, crossed);
    map.translate(xattrs, To::disk);
    const auto entries = os::decode_acl(xattrs[0].second);
    ASSERT_TRUE(entries);
    EXPECT_EQ((*entries)[1].id, 2000U);
    EXPECT_EQ((*entries)[2].id, 1000U);
    map.translate(xattrs, To::archive);
    EXPECT_EQ(xattrs[0].second, inside);
}

TEST(OwnerMap, AclsThatAreNoneOrNameSomebodyElse) {
    const auto translate = [](const std::string& value) {
        return refusal([&] {
            Xattrs xattrs{{os::access_acl, value}};
            simple().translate(xattrs, To::disk);
        });
    };
    for (const auto& value : {""s, "x"s, acl({}) + "x", acl({{AclTag::user, 7, 1}}).substr(0, 20)})
        EXPECT_THAT(translate(value), HasSubstr("this is no access control list"));
    EXPECT_THAT(translate(acl({{AclTag::group, 7, 70000}})), HasSubstr("group 70000"));
}

}  // namespace
}  // namespace brig::archive
