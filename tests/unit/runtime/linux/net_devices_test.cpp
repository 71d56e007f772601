// linux.netDevices: interfaces of the host's that become a container's. Needs root, busybox-static
// and ip.
#include <gmock/gmock.h>

#include <cstdlib>

#include "support/container_test.h"

namespace brig::runtime {
namespace {

using test::Bundle;
using test::failure;
using testing::HasSubstr;
using testing::Not;

int ip(const std::string& words) { return std::system(("ip " + words + " 2>/dev/null").c_str()); }

class NetDevices : public test::ContainerTest {
protected:
    void SetUp() override {
        ContainerTest::SetUp();
        if (IsSkipped()) return;
        if (ip("link add " + device_ + " type veth peer name " + peer_) != 0)
            GTEST_SKIP() << "needs ip and a kernel with veth";
    }
    void TearDown() override { ip("link del " + peer_); }

    static Bundle& with_ip(Bundle& bundle) {
        std::filesystem::create_symlink("busybox", bundle.rootfs() / "bin/ip");
        return bundle;
    }

    const std::string device_ = "d" + random_hex(4);
    const std::string peer_ = "p" + random_hex(4);
};

TEST_F(NetDevices, KeepTheirAddressesUnderAnotherName) {
    ip("link set " + device_ + " address 00:11:22:33:44:55 mtu 1789");
    ip("address add 169.254.169.77/32 dev " + device_);
    ip("address add 10.9.8.7/24 scope link dev " + device_);
    ip("address add fd00:1::2/64 nodad dev " + device_);
    Bundle bundle({"ip", "address", "show", "dev", "ctr0"});
    bundle.spec.linux->net_devices[device_] = "ctr0";
    const std::string shown = with_ip(bundle).run().output;
    EXPECT_THAT(shown, HasSubstr("inet 169.254.169.77/32 "));
    EXPECT_THAT(shown, HasSubstr("inet6 fd00:1::2/64 "));
    EXPECT_THAT(shown, HasSubstr("ether 00:11:22:33:44:55 "));
    EXPECT_THAT(shown, HasSubstr("mtu 1789 "));
    EXPECT_THAT(shown, HasSubstr(",UP"));
    EXPECT_THAT(shown, Not(HasSubstr("10.9.8.7")));
}

TEST_F(NetDevices, TheKernelMayNumberThem) {
    Bundle bundle({"ip", "-o", "link"});
    bundle.spec.linux->net_devices[device_] = "net%d";
    EXPECT_THAT(with_ip(bundle).run().output, HasSubstr(" net0@"));
}

TEST_F(NetDevices, ComeIntoAUserNamespaceToo) {
    Bundle bundle({"ip", "-o", "link"});
    test::map_users(bundle);
    bundle.spec.linux->net_devices[device_] = device_;
    EXPECT_THAT(with_ip(bundle).run().output, HasSubstr(device_ + "@"));
}

TEST_F(NetDevices, WhatCannotBeIsRefusedAndTheyStay) {
    Bundle bundle({"true"});
    auto& devices = bundle.spec.linux->net_devices;
    devices = {{device_, "lo"}};
    EXPECT_THAT(failure(bundle), HasSubstr("has an interface lo already"));
    for (const char* name : {"a/b", "a b", "%d%d", ".", "sixteen-letters0", "a:1"}) {
        devices = {{device_, name}};
        EXPECT_THAT(failure(bundle), HasSubstr("linux.netDevices: invalid interface name")) << name;
    }
    devices = {{"nosuch0", "x"}};
    EXPECT_THAT(failure(bundle), HasSubstr("linux.netDevices: there is no interface nosuch0"));
    devices = {{device_, "x"}};
    std::erase_if(bundle.spec.linux->namespaces, [](const auto& n) { return n.type == "network"; });
    EXPECT_THAT(failure(bundle), HasSubstr("linux.netDevices: needs a network namespace"));
    EXPECT_EQ(ip("link show " + device_ + " >/dev/null"), 0);
}

}  // namespace
}  // namespace brig::runtime
