// What IPv6 there is to be, before any kernel is asked.
#include <gtest/gtest.h>

#include "base/error.h"
#include "network/network.h"
#include "network/socket_address.h"

namespace brig::network {
namespace {

TEST(Ipv6Plan, AddressesAsText) {
    EXPECT_EQ(Ipv6Address::parse("2001:DB8:0:0::1")->str(), "2001:db8::1");
    for (const char* bad : {"", ":", "1", "1.2.3.4", "fe80::1%eth0", "::1/64", "g::"})
        EXPECT_FALSE(Ipv6Address::parse(bad)) << bad;
    EXPECT_TRUE(Ipv6Address::parse("fe80::1")->link_local());
    EXPECT_TRUE(Ipv6Address::parse("::1")->loopback());
    EXPECT_FALSE(Ipv6Address::parse("::101")->loopback());
    EXPECT_EQ(Ipv6Interface::parse("2001:db8:1:2:3::9/44").network().str(), "2001:db8::/44");
    EXPECT_EQ(Ipv6Interface::parse("2001:db8::/64").at(0x1fffe).str(), "2001:db8::1:fffe/64");
    for (const char* bad : {"::/129", "::/", "::/x", "10.0.0.0/8"})
        EXPECT_THROW(Ipv6Interface::parse(bad), Error) << bad;
}

TEST(Ipv6Plan, TheGatewayHasTheSamePlaceInBothSubnets) {
    const Config config{.gateway = Ipv4Interface::parse("10.1.2.9/24")};
    EXPECT_EQ(gateway6_for(config, "2001:db8:1::/64").str(), "2001:db8:1::9/64");
    EXPECT_EQ(gateway6_for(config, "2001:db8:1::5:0/120").str(), "2001:db8:1::5:9/120");
    for (const char* bad : {"2001:db8::/121", "fe80::/64", "ff02::/64", "::/0", "10.0.0.0/8"})
        EXPECT_THROW(gateway6_for(config, bad), Error) << bad;
}

TEST(Ipv6Plan, WithoutASubnetAUniqueLocalOneOfThisPlace) {
    Config config{.run_dir = "/run/one"};
    const auto one = gateway6_for(config, "");
    EXPECT_EQ(one.prefix, 64U);
    EXPECT_EQ(one.address.bytes()[0], 0xfd);
    EXPECT_EQ(gateway6_for(config, ""), one);
    config.run_dir = "/run/other";
    EXPECT_NE(gateway6_for(config, ""), one);
}

TEST(Ipv6Plan, SocketAddressesAreToldApart) {
    const auto one = socket_address(os::parse_ip("::1").value(), 80);
    EXPECT_EQ(one.port(), 80);
    EXPECT_TRUE(one.same(socket_address(os::parse_ip("::1").value(), 80)));
    EXPECT_FALSE(one.same(socket_address(os::parse_ip("::1").value(), 81)));
    EXPECT_FALSE(one.same(socket_address(os::parse_ip("::2").value(), 80)));
    EXPECT_FALSE(one.same(socket_address(os::parse_ip("127.0.0.1").value(), 80)));
}

TEST(Ipv6Plan, PortBindings) {
    EXPECT_EQ(parse_port_binding("80/tcp", "::", "8080").host_ip, IpAddress(Ipv6Address()));
    EXPECT_EQ(parse_port_binding("80/tcp", "", "8080").host_ip, std::nullopt);
    EXPECT_THROW(parse_port_binding("80/tcp", "fe80::1%em0", "8080"), Error);
}

}  // namespace
}  // namespace brig::network
