#include "registry/ssh.h"

#include <gmock/gmock.h>

namespace brig::registry {
namespace {

using ::testing::ElementsAre;

TEST(Ssh, QuotesForTheFarSidesShell) {
    const auto address = oci::SshAddress::parse("ssh://user@host:22/srv/it's $HOME");
    EXPECT_THAT(
        ssh_arguments({"ssh", "-F", "file"}, address),
        ElementsAre("ssh", "-F", "file", "-T", "-o", "BatchMode=yes", "-p", "22", "-l", "user",
                    "--", "host", "brig registry serve --stdio --root '/srv/it'\\''s $HOME'"));
    EXPECT_THAT(ssh_arguments({"ssh"}, oci::SshAddress::parse("ssh://host")),
                ElementsAre("ssh", "-T", "-o", "BatchMode=yes", "--", "host",
                            "brig registry serve --stdio"));
}

}  // namespace
}  // namespace brig::registry
