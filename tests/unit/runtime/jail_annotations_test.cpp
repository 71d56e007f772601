// Annotations of podman on FreeBSD become settings of the jail.
#include "runtime/jail_annotations.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace brig::runtime {
namespace {

TEST(JailAnnotations, AreApplied) {
    os::JailSettings settings = jail_without_section();
    apply_jail_annotations({{"org.freebsd.parentJail", "pod"},
                            {"org.freebsd.jail.vnet", "new"},
                            {"org.freebsd.jail.sysvshm", "inherit"},
                            {"org.freebsd.jail.allow.mlock", "true"},
                            {"org.freebsd.jail.allow.raw_sockets", "false"},
                            {"org.freebsd.jail.ip4.addr", "10.0.0.1,10.0.0.2"},
                            {"org.example.other", "x"}},
                           settings);
    EXPECT_EQ(settings.jail.parent, "pod");
    EXPECT_EQ(settings.jail.vnet, "new");
    EXPECT_EQ(settings.jail.sysvshm, "inherit");
    EXPECT_TRUE(settings.jail.allow.mlock);
    EXPECT_FALSE(settings.jail.allow.raw_sockets);
    EXPECT_THAT(settings.jail.ip4_addr, testing::ElementsAre("10.0.0.1", "10.0.0.2"));
}

TEST(JailAnnotations, AnyOtherParameterIsPassedOn) {
    os::JailSettings settings;
    apply_jail_annotations({{"org.freebsd.jail.securelevel", "3"},
                            {"org.freebsd.jail.children.max", "5"},
                            {"org.freebsd.jail.allow.mount.zfs", "true"}},
                           settings);
    EXPECT_THAT(settings.jail.parameters,
                testing::ElementsAre(testing::Pair("allow.mount.zfs", "true"),
                                     testing::Pair("children.max", "5"),
                                     testing::Pair("securelevel", "3")));
}

TEST(JailAnnotations, WhatIsNotTheUsersIsRefused) {
    os::JailSettings settings;
    const auto apply = [&](const char* name, const char* value) {
        apply_jail_annotations({{name, value}}, settings);
    };
    EXPECT_THROW(apply("org.freebsd.jail.path", "/"), Error);
    EXPECT_THROW(apply("org.freebsd.jail.name", "other"), Error);
    EXPECT_THROW(apply("org.freebsd.jail.", "1"), Error);
    EXPECT_THROW(apply("org.freebsd.jail.a b", "1"), Error);
    EXPECT_THROW(apply("org.freebsd.jail.vnet", "maybe"), Error);
    EXPECT_THROW(apply("org.freebsd.jail.allow.mlock", "yes"), Error);
}

}  // namespace
}  // namespace brig::runtime
