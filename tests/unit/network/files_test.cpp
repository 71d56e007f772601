#include "network/files.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "network/network.h"

namespace brig::network {
namespace {

constexpr auto own = DnsScope::own_network;

TEST(ResolvConf, DropsWhatAContainerCannotReach) {
    const auto* host =
        "# made by\nnameserver 127.0.0.1\nnameserver ::1\nnameserver fe80::1%eth0\nnameserver "
        "10.0.0.53\n"
        "search a.example b.example\noptions ndots:2 edns0\n";
    EXPECT_EQ(make_resolv_conf(host, {}, own),
              "nameserver 10.0.0.53\nsearch a.example b.example\noptions ndots:2 edns0\n");
}

TEST(ResolvConf, FallsBackWhenNoServerIsLeft) {
    EXPECT_EQ(make_resolv_conf("nameserver 127.0.0.53\noptions edns0\n", {}, own),
              "nameserver 8.8.8.8\nnameserver 8.8.4.4\noptions edns0\n");
    EXPECT_EQ(make_resolv_conf("", {}, own), "nameserver 8.8.8.8\nnameserver 8.8.4.4\n");
}

TEST(ResolvConf, HostNetworkKeepsTheHostsServers) {
    EXPECT_EQ(make_resolv_conf("nameserver 127.0.0.53\n", {}, DnsScope::host_network),
              "nameserver 127.0.0.53\n");
}

TEST(ResolvConf, OptionsReplaceTheHosts) {
    const DnsOptions options{.servers = {"9.9.9.9"}, .search = {"."}, .options = {"rotate"}};
    EXPECT_EQ(make_resolv_conf("nameserver 10.0.0.1\nsearch x\noptions y\n", options, own),
              "nameserver 9.9.9.9\noptions rotate\n");
}

TEST(ResolvConf, OptionsCannotAddLines) {
    EXPECT_THROW(make_resolv_conf("", {.servers = {"9.9.9.9\nnameserver 6.6.6.6"}}, own), Error);
    EXPECT_THROW(make_resolv_conf("", {.search = {"a b"}}, own), Error);
    EXPECT_THROW(make_hosts("h", "", {}, {{"x\n1.2.3.4 bank", "5.6.7.8"}}), Error);
}

TEST(Hosts, NamesTheContainer) {
    const auto text =
        make_hosts("web", "example.com", {os::Ipv4Address(0xac1e0002)}, {{"db", "10.0.0.7"}});
    EXPECT_NE(text.find("127.0.0.1\tlocalhost\n"), std::string::npos);
    EXPECT_NE(text.find("10.0.0.7\tdb\n"), std::string::npos);
    EXPECT_NE(text.find("172.30.0.2\tweb.example.com web\n"), std::string::npos);
}

TEST(PortBinding, ReadsDockersForms) {
    EXPECT_EQ(parse_port_binding("80/tcp", "", ""), (PortRequest{.container_port = 80}));
    EXPECT_EQ(parse_port_binding("53/udp", "127.0.0.1", "5353"),
              (PortRequest{Ipv4Address(0x7f000001), 5353, 0, 53, Protocol::udp}));
    EXPECT_EQ(parse_port_binding("80", "0.0.0.0", "8000-8010"),
              (PortRequest{Ipv4Address(), 8000, 8010, 80, Protocol::tcp}));
    for (const auto* bad : {"", "0/tcp", "65536/tcp", "x/tcp", "80/icmp"})
        EXPECT_THROW(parse_port_binding(bad, "", ""), Error) << bad;
    for (const auto* bad : {"70000", "9-8", "8;flush ruleset", "-1"})
        EXPECT_THROW(parse_port_binding("80/tcp", "", bad), Error) << bad;
    EXPECT_THROW(parse_port_binding("80/tcp", "1.2.3.4; drop", "80"), Error);
}

}  // namespace
}  // namespace brig::network
