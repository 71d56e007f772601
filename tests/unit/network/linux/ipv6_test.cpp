// IPv6 on the default bridge, on a real kernel: addresses, who reaches whom, published ports.
#include <chrono>
#include <nlohmann/json.hpp>

#include "net_fixture.h"
#include "network/inspect.h"

namespace brig::network {
namespace {

using namespace testing;

class Ipv6Test : public NetworkTest {
protected:
    void SetUp() override {
        NetworkTest::SetUp();
        config_.gateway6 = gateway6_for(config_, "fd00:77::/64");
    }
    static PortRequest port(std::uint16_t host, std::uint16_t container,
                            std::optional<IpAddress> ip = std::nullopt,
                            Protocol protocol = Protocol::tcp) {
        return {
            .host_ip = ip, .host_first = host, .container_port = container, .protocol = protocol};
    }
};

TEST_F(Ipv6Test, ContainersReachEachOtherTheHostAndOutside) {
    Networks networks(config_);
    const auto one = networks.attach(request());
    const auto two = networks.attach(request());
    ASSERT_TRUE(one.address6);
    EXPECT_EQ(one.address6->str(), "fd00:77::2/64");
    EXPECT_EQ(one.gateway6.str(), "fd00:77::1");
    const auto in_one = sandbox_of(one);
    const auto in_two = sandbox_of(two);
    const EchoServer in_container(in_two.get(), SOCK_STREAM, 80, "::");
    const EchoServer on_host(-1, SOCK_STREAM, 7000, "::");
    const EchoServer outside_server(outside(), SOCK_STREAM, 7000, "::");
    const auto target = two.address6->address.str();
    EXPECT_EQ(ask_from(in_one.get(), SOCK_STREAM, target, 80), "fd00:77::2");
    EXPECT_EQ(ask(SOCK_STREAM, target, 80), "fd00:77::1");
    EXPECT_EQ(ask_from(in_one.get(), SOCK_STREAM, "fd00:77::1", 7000), "fd00:77::2");
    EXPECT_EQ(ask_from(in_one.get(), SOCK_STREAM, outside_ip6, 7000), host_ip6) << "masqueraded";
    EXPECT_EQ(ask_from(outside(), SOCK_STREAM, target, 80, 300), "timeout");
}

TEST_F(Ipv6Test, AnAddressIsOfUseAtOnce) {
    config_.pool = 0;
    Networks networks(config_);
    const auto sandbox = sandbox_of(networks.attach(request()));
    const auto addresses =
        inside(sandbox.get(), [] { return read_file("/proc/thread-self/net/if_inet6"); });
    // index, prefix length, scope 0 and flags: permanent, no duplicate detection, not tentative
    EXPECT_NE(addresses.find("fd000077000000000000000000000002"), std::string::npos) << addresses;
    EXPECT_NE(addresses.find(" 40 00 82 "), std::string::npos) << addresses;
}

TEST_F(Ipv6Test, PublishedPortsOfBothFamilies) {
    Networks networks(config_);
    const auto endpoint = networks.attach(
        request({port(8080, 80), port(8080, 53, std::nullopt, Protocol::udp), port(0, 81)}));
    const auto other = networks.attach(request());
    const auto sandbox = sandbox_of(endpoint);
    const auto neighbour = sandbox_of(other);
    ASSERT_EQ(endpoint.ports.size(), 6U);
    EXPECT_EQ(endpoint.ports[4].host_port, endpoint.ports[5].host_port);
    const EchoServer tcp(sandbox.get(), SOCK_STREAM, 80, "::");
    const EchoServer tcp4(sandbox.get(), SOCK_STREAM, 80, "0.0.0.0");
    const EchoServer udp(sandbox.get(), SOCK_DGRAM, 53, "::");
    EXPECT_EQ(ask_from(outside(), SOCK_STREAM, host_ip, 8080), outside_ip);
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
        EXPECT_EQ(ask_from(outside(), type, host_ip6, 8080), outside_ip6)
            << "the source address is kept";
        EXPECT_EQ(ask(type, "::1", 8080), "fd00:77::1") << "carried by the proxy";
        EXPECT_EQ(ask_from(neighbour.get(), type, host_ip6, 8080), "fd00:77::1");
        EXPECT_EQ(ask_from(sandbox.get(), type, host_ip6, 8080), "fd00:77::1") << "hairpin";
    }
    const auto bindings =
        network_settings_json(&endpoint, "default", "", {}).at("Ports").at("80/tcp");
    EXPECT_EQ(bindings.at(0).at("HostIp"), "0.0.0.0");
    EXPECT_EQ(bindings.at(1).at("HostIp"), "::");
    networks.detach(endpoint.container_id);
    networks.flush();
    EXPECT_EQ(ask_from(outside(), SOCK_STREAM, host_ip6, 8080, 500), "refused");
    EXPECT_EQ(ask(SOCK_STREAM, "::1", 8080, 500), "refused");
}

TEST_F(Ipv6Test, OneFamilyOnly) {
    Networks networks(config_);
    const auto endpoint = networks.attach(
        request({port(8083, 80, os::parse_ip("::")), port(8084, 80, os::parse_ip("0.0.0.0"))}));
    const auto sandbox = sandbox_of(endpoint);
    const EchoServer server(sandbox.get(), SOCK_STREAM, 80, "::");
    EXPECT_EQ(ask_from(outside(), SOCK_STREAM, host_ip6, 8083), outside_ip6);
    EXPECT_EQ(ask_from(outside(), SOCK_STREAM, host_ip, 8083, 500), "refused");
    EXPECT_EQ(ask_from(outside(), SOCK_STREAM, host_ip6, 8084, 500), "refused");
    // The same port of the other family is still to be had, and of this one it is not.
    EXPECT_NO_THROW(networks.attach(request({port(8083, 80, os::parse_ip("0.0.0.0"))})));
    EXPECT_THROW(networks.attach(request({port(8083, 80)})), Error);
    EXPECT_THROW(networks.attach(request({port(8083, 80, os::parse_ip(host_ip6))})), Error);
}

TEST_F(Ipv6Test, InspectSaysIt) {
    Networks networks(config_);
    const auto endpoint = networks.attach(request());
    const auto settings = network_settings_json(&endpoint, "default", "", {});
    EXPECT_EQ(settings.at("GlobalIPv6Address"), "fd00:77::2");
    EXPECT_EQ(settings.at("GlobalIPv6PrefixLen"), 64);
    EXPECT_EQ(settings.at("IPv6Gateway"), "fd00:77::1");
    const auto network = network_json(networks.inspect("bridge"));
    EXPECT_EQ(network.at("EnableIPv6"), true);
    EXPECT_EQ(network.at("IPAM").at("Config").at(1).at("Subnet"), "fd00:77::/64");
    EXPECT_EQ(network.at("Containers").begin()->at("IPv6Address"), "fd00:77::2/64");
}

TEST_F(Ipv6Test, ARestartedEngineGoesOnWithIt) {
    const auto wanted = request({port(8085, 80)});
    Endpoint before;
    {
        Networks networks(config_);
        before = networks.attach(wanted);
        networks.started(wanted.container_id, ::getpid());
    }
    Networks networks(config_);
    networks.repair({{wanted.container_id, ::getpid()}});
    const auto after = networks.find(wanted.container_id);
    ASSERT_TRUE(after);
    EXPECT_EQ(after->address6, before.address6);
    EXPECT_EQ(after->ports, before.ports);
}

TEST_F(Ipv6Test, WithoutItNoPortOfItIsPublished) {
    config_.gateway6.reset();
    Networks networks(config_);
    EXPECT_EQ(networks.attach(request({port(8086, 80)})).ports.size(), 1U);
    EXPECT_THROW(networks.attach(request({port(8087, 80, os::parse_ip("::"))})), Error);
}

}  // namespace
}  // namespace brig::network
