// Published ports on a real kernel: who reaches them, who must not, and who gets them.
#include <linux/rtnetlink.h>

#include "net_fixture.h"
#include "os/linux/nftables.h"

namespace brig::network {
namespace {

using namespace testing;

class PublishTest : public NetworkTest {
protected:
    static PortRequest port(std::uint16_t host, std::uint16_t container, const char* ip = "0.0.0.0",
                            Protocol protocol = Protocol::tcp) {
        return {.host_ip = Ipv4Address::parse(ip).value(),
                .host_first = host,
                .container_port = container,
                .protocol = protocol};
    }
    static std::string failure(Networks& networks, const AttachRequest& request) {
        try {
            networks.attach(request);
        } catch (const Error& error) {
            return error.message();
        }
        return "none";
    }
};

TEST_F(PublishTest, TcpAndUdpFromEverySide) {
    Networks networks(config_);
    const auto endpoint =
        networks.attach(request({port(8080, 80), port(8080, 53, "0.0.0.0", Protocol::udp)}));
    const auto other = networks.attach(request());
    const auto sandbox = sandbox_of(endpoint);
    const auto neighbour = sandbox_of(other);
    const EchoServer tcp(sandbox.get(), SOCK_STREAM, 80);
    const EchoServer udp(sandbox.get(), SOCK_DGRAM, 53);
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
        EXPECT_EQ(ask_from(outside(), type, host_ip, 8080), outside_ip)
            << "the source address is kept";
        EXPECT_EQ(ask(type, host_ip, 8080), host_ip);
        EXPECT_EQ(ask(type, "127.0.0.1", 8080), "10.77.0.1");
        EXPECT_EQ(ask(type, "10.77.0.1", 8080), "10.77.0.1");
        EXPECT_EQ(ask_from(neighbour.get(), type, host_ip, 8080), "10.77.0.1");
        EXPECT_EQ(ask_from(sandbox.get(), type, host_ip, 8080), "10.77.0.1") << "hairpin";
    }
    networks.detach(endpoint.container_id);
    networks.flush();
    EXPECT_EQ(ask_from(outside(), SOCK_STREAM, host_ip, 8080, 500), "refused");
}

TEST_F(PublishTest, LoopbackOnlyStaysOnThisHost) {
    Networks networks(config_);
    const auto endpoint = networks.attach(request({port(8081, 80, "127.0.0.1")}));
    const auto sandbox = sandbox_of(endpoint);
    const EchoServer server(sandbox.get(), SOCK_STREAM, 80);
    EXPECT_EQ(ask(SOCK_STREAM, "127.0.0.1", 8081), "10.77.0.1");
    EXPECT_EQ(ask_from(outside(), SOCK_STREAM, host_ip, 8081, 500), "refused");
}

/// Lets a namespace send packets for 127.0.0.1 to `gateway`, as a hostile neighbour can.
void aim_at_loopback(int sandbox, Ipv4Address gateway) {
    inside(sandbox, [&] {
        write_all(open_file("/proc/sys/net/ipv4/conf/all/route_localnet", O_WRONLY).get(), "1");
        auto socket = NetlinkSocket::open();
        NetlinkBatch batch;
        ifaddrmsg own{};
        own.ifa_family = AF_INET;
        own.ifa_prefixlen = 8;
        own.ifa_index = 1;
        batch.begin(RTM_DELADDR, 0, own, "remove 127.0.0.1");
        batch.attribute_u32(IFA_LOCAL, htonl(INADDR_LOOPBACK));
        rtmsg route{};
        route.rtm_family = AF_INET;
        route.rtm_dst_len = 32;
        route.rtm_table = RT_TABLE_MAIN;
        route.rtm_protocol = RTPROT_BOOT;
        route.rtm_type = RTN_UNICAST;
        batch.begin(RTM_NEWROUTE, NLM_F_CREATE, route, "aim at loopback");
        batch.attribute_u32(RTA_DST, htonl(INADDR_LOOPBACK));
        batch.attribute_u32(RTA_GATEWAY, htonl(gateway.value()));
        socket.run(std::move(batch));
        return true;
    });
}

TEST_F(PublishTest, NeighboursDoNotReachLoopback) {  // CVE-2020-8558
    Networks networks(config_);
    const auto endpoint = networks.attach(request({port(8082, 80, "127.0.0.1")}));
    const auto attacker = networks.attach(request());
    const auto sandbox = sandbox_of(endpoint);
    const auto hostile = sandbox_of(attacker);
    const EchoServer server(sandbox.get(), SOCK_STREAM, 80);
    const EchoServer host_service(-1, SOCK_STREAM, 7001, "127.0.0.1");
    ASSERT_EQ(ask(SOCK_STREAM, "127.0.0.1", 7001), "127.0.0.1");
    aim_at_loopback(hostile.get(), attacker.gateway);
    EXPECT_EQ(ask_from(hostile.get(), SOCK_STREAM, "127.0.0.1", 7001, 500), "timeout");
    EXPECT_EQ(ask_from(hostile.get(), SOCK_STREAM, "127.0.0.1", 8082, 500), "timeout");
}

TEST_F(PublishTest, PassesAForwardChainWithPolicyDrop) {  // as docker and iptables leave it
    using os::linux_net::run_nft;
    run_nft(
        "table ip filter { chain FORWARD { type filter hook forward priority filter; policy drop; "
        "\n } \n }\n");
    {
        Networks networks(config_);
        const auto endpoint = networks.attach(request({port(8093, 80)}));
        const auto sandbox = sandbox_of(endpoint);
        const EchoServer server(sandbox.get(), SOCK_STREAM, 80);
        const EchoServer outside_server(outside(), SOCK_STREAM, 7002);
        EXPECT_EQ(ask_from(outside(), SOCK_STREAM, host_ip, 8093), outside_ip);
        EXPECT_EQ(ask_from(sandbox.get(), SOCK_STREAM, outside_ip, 7002), host_ip);
        networks.remove_all();
    }
    const auto left = run_nft("list table ip filter\n");
    EXPECT_EQ(left.find(config_.bridge), std::string::npos) << left;
    run_nft("delete table ip filter\n");
}

TEST_F(PublishTest, TwoContainersCannotHaveOnePort) {
    Networks networks(config_);
    const auto first = networks.attach(request({port(8083, 80)}));
    const auto text = failure(networks, request({port(8084, 80), port(8083, 80, "127.0.0.1")}));
    EXPECT_TRUE(
        text.starts_with("driver failed programming external connectivity on endpoint web ("))
        << text;
    EXPECT_TRUE(text.ends_with("): Bind for 127.0.0.1:8083 failed: port is already allocated"))
        << text;
    EXPECT_EQ(
        failure(networks, request({port(8084, 80), port(8083, 80, "0.0.0.0", Protocol::udp)})),
        "none")
        << "8084 was given back";
    networks.detach(first.container_id);
    EXPECT_EQ(failure(networks, request({port(8083, 80)})), "none") << "free at once";
}

TEST_F(PublishTest, PortsOfTheHostAreNotTaken) {
    Networks networks(config_);
    const auto taken = bound(SOCK_STREAM, "0.0.0.0", 8085);
    const auto text = failure(networks, request({port(8085, 80)}));
    EXPECT_NE(text.find("failed to bind host port for 0.0.0.0:8085:10.77.0."), std::string::npos)
        << text;
    EXPECT_TRUE(text.ends_with(":80/tcp: address already in use")) << text;
    EXPECT_NE(failure(networks, request({port(8086, 80, "203.0.113.9")}))
                  .find("cannot assign requested address"),
              std::string::npos);
    // And the other way round.
    networks.attach(request({port(8087, 80)}));
    EXPECT_THROW(bound(SOCK_STREAM, "0.0.0.0", 8087), SysError);
}

TEST_F(PublishTest, ConnectionsOfAnEndedServerDoNotKeepItsPort) {
    Networks networks(config_);
    {
        const EchoServer server(-1, SOCK_STREAM, 8090);
        ASSERT_EQ(ask(SOCK_STREAM, "127.0.0.1", 8090),
                  "127.0.0.1");  // the server closes first: TIME_WAIT
    }
    EXPECT_EQ(failure(networks, request({port(8090, 80)})), "none");
    EXPECT_THROW(bound(SOCK_STREAM, "0.0.0.0", 8090), SysError);
}

TEST_F(PublishTest, EphemeralAndRange) {
    Networks networks(config_);
    const auto first = networks.attach(request({port(0, 80), port(0, 80)}));
    EXPECT_NE(first.ports[0].host_port, 0);
    EXPECT_NE(first.ports[0].host_port, first.ports[1].host_port);
    PortRequest range = port(8091, 80);
    range.host_last = 8092;
    EXPECT_EQ(networks.attach(request({range})).ports[0].host_port, 8091);
    EXPECT_EQ(networks.attach(request({range})).ports[0].host_port, 8092);
    EXPECT_NE(failure(networks, request({range})), "none");
}

}  // namespace
}  // namespace brig::network
