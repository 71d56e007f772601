#include "oci/ssh_name.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace brig::oci {
namespace {

SshName parsed(std::string_view text) { return parse_ssh_name(text).value(); }

TEST(SshName, SplitsDirectoryAndName) {
    const auto name = parsed("ssh://user@host.example:2222/srv/images/app:1");
    EXPECT_EQ(name.address, "ssh://user@host.example:2222/srv/images");
    EXPECT_EQ(name.path, "app");
    EXPECT_EQ(name.local.familiar(), "app:1");
    EXPECT_EQ(name.remote().domain, name.address);
    EXPECT_EQ(name.remote().tag, "1");
    const auto deep = parsed("ssh://host/srv/images//team/app@sha256:" + std::string(64, 'a'));
    EXPECT_EQ(deep.address, "ssh://host/srv/images");
    EXPECT_EQ(deep.path, "team/app");
    EXPECT_TRUE(deep.local.digest);
    // The far side's own directory.
    EXPECT_EQ(parsed("ssh://host/app").address, "ssh://host");
    EXPECT_EQ(parsed("ssh://host//team/app").path, "team/app");
    EXPECT_FALSE(parse_ssh_name("busybox"));
}

TEST(SshName, TakesAddressesApart) {
    const auto address = SshAddress::parse("ssh://user@[::1]:22/srv/a b");
    EXPECT_EQ(address.user, "user");
    EXPECT_EQ(address.host, "::1");
    EXPECT_EQ(address.port, "22");
    EXPECT_EQ(address.path, "/srv/a b");
    EXPECT_EQ(SshAddress::parse("ssh://host").path, "");
}

// What begins with a dash would be an option to ssh (CVE-2017-1000117).
TEST(SshName, RefusesWhatCouldMislead) {
    for (const auto* text :
         {"ssh://", "ssh://host", "ssh://host/", "ssh:///a/b", "ssh://-oProxyCommand=x/a/b",
          "ssh://-x@host/a/b", "ssh://host:x/a/b", "ssh://ho st/a/b", "ssh://host;id/a/b",
          "ssh://host/a/UPPER", "ssh://host/a\n/b", "ssh://[host/a/b", "ssh://a@b@c/d/e"}) {
        EXPECT_THROW((void)parse_ssh_name(text), Error) << text;
    }
}

}  // namespace
}  // namespace brig::oci
