// Endpoints on a real kernel: what reaches what, and what is left behind.
#include <sys/stat.h>
#include <sys/wait.h>

#include <nlohmann/json.hpp>

#include "net_fixture.h"
#include "network/inspect.h"

namespace brig::network {
namespace {

using namespace testing;
using EndpointTest = NetworkTest;

TEST_F(EndpointTest, ContainersReachEachOtherTheHostAndOutside) {
    Networks networks(config_);
    const auto one = networks.attach(request());
    const auto two = networks.attach(request());
    EXPECT_EQ(one.address.str(), "10.77.0.2/24");
    EXPECT_EQ(one.mac.str(), "02:42:0a:4d:00:02");
    const auto in_one = sandbox_of(one);
    const auto in_two = sandbox_of(two);

    const EchoServer in_container(in_two.get(), SOCK_STREAM, 80);
    const EchoServer on_host(-1, SOCK_STREAM, 7000);
    const EchoServer outside_server(outside(), SOCK_STREAM, 7000);
    EXPECT_EQ(ask_from(in_one.get(), SOCK_STREAM, two.address.address.str(), 80), "10.77.0.2");
    EXPECT_EQ(ask(SOCK_STREAM, two.address.address.str(), 80), "10.77.0.1");
    EXPECT_EQ(ask_from(in_one.get(), SOCK_STREAM, "10.77.0.1", 7000), "10.77.0.2");
    EXPECT_EQ(ask_from(in_one.get(), SOCK_STREAM, outside_ip, 7000), host_ip) << "masqueraded";
    EXPECT_EQ(ask_from(in_one.get(), SOCK_STREAM, "127.0.0.1", 80), "refused") << "loopback is up";
    // What is not published is not reachable, even for who routes there.
    EXPECT_EQ(ask_from(outside(), SOCK_STREAM, two.address.address.str(), 80, 300), "timeout");
}

TEST_F(EndpointTest, NoIpv6InTheContainer) {
    Networks networks(config_);
    const auto sandbox = sandbox_of(networks.attach(request()));
    const auto value =
        inside(sandbox.get(), [] { return read_file("/proc/thread-self/net/if_inet6"); });
    EXPECT_EQ(value.find("eth0"), std::string::npos) << value;
}

TEST_F(EndpointTest, AnIsolatedNamespaceHasItsLoopbackOnly) {
    Networks networks(config_);
    const Fd one = networks.isolate();
    const Fd other = networks.isolate();
    struct stat a {};
    struct stat b {};
    ASSERT_EQ(::fstat(one.get(), &a), 0);
    ASSERT_EQ(::fstat(other.get(), &b), 0);
    EXPECT_NE(a.st_ino, b.st_ino);
    const EchoServer inside_one(one.get(), SOCK_STREAM, 80);
    EXPECT_EQ(ask_from(one.get(), SOCK_STREAM, "127.0.0.1", 80), "127.0.0.1");
    EXPECT_EQ(ask_from(other.get(), SOCK_STREAM, "127.0.0.1", 80), "refused");
    EXPECT_EQ(ask_from(one.get(), SOCK_STREAM, "172.30.0.1", 80), "Network is unreachable");
}

TEST_F(EndpointTest, ManyComeAndGoAndNothingStays) {
    const auto before = interface_count();
    {
        Networks networks(config_);
        for (int round = 0; round < 4; ++round) {
            std::vector<std::string> ids;
            for (int i = 0; i < 50; ++i) ids.push_back(networks.attach(request()).container_id);
            EXPECT_EQ(networks.inspect("bridge").endpoints.size(), 50U);
            for (const auto& id : ids) networks.detach(id);
        }
        networks.flush();
        EXPECT_TRUE(std::filesystem::is_empty(config_.run_dir / "netns"));
        EXPECT_TRUE(std::filesystem::is_empty(config_.run_dir / "network"));
        networks.remove_all();
    }
    EXPECT_EQ(interface_count(), before);
}

TEST_F(EndpointTest, AddressesAreReusedWhenTheSubnetIsFull) {
    config_.gateway = Ipv4Interface::parse("10.77.0.1/29");
    Networks networks(config_);
    std::vector<std::string> ids;
    for (int i = 0; i < 5; ++i) ids.push_back(networks.attach(request()).container_id);
    EXPECT_THROW(networks.attach(request()), Error);
    networks.detach(ids[1]);
    EXPECT_EQ(networks.attach(request()).address.address.str(), "10.77.0.3");
}

TEST_F(EndpointTest, ParticularAddressAndMac) {
    Networks networks(config_);
    networks.repair({});
    networks.flush();
    auto wanted = request();
    wanted.ip = Ipv4Address::parse("10.77.0.3");  // lies in stock
    wanted.mac = MacAddress::parse("02:00:00:00:00:07");
    const auto endpoint = networks.attach(wanted);
    EXPECT_EQ(endpoint.address.str(), "10.77.0.3/24");
    const auto sandbox = sandbox_of(endpoint);
    auto again = request();
    again.ip = wanted.ip;
    EXPECT_THROW(networks.attach(again), Error);
    const EchoServer server(sandbox.get(), SOCK_STREAM, 80);
    EXPECT_EQ(ask(SOCK_STREAM, "10.77.0.3", 80), "10.77.0.1");
}

TEST_F(EndpointTest, HostileNamesAreRefused) {
    Networks networks(config_);
    for (const auto* bad : {"", "../x", "a/b", ".", "a b"}) {
        auto wanted = request();
        wanted.container_id = bad;
        EXPECT_THROW(networks.attach(wanted), Error) << bad;
    }
    for (const auto* bad : {"br 0", "a/b", "\"; drop", "aaaaaaaaaaaaaaaaa"}) {
        auto config = config_;
        config.bridge = bad;
        EXPECT_THROW(Networks{config}, Error) << bad;
    }
    auto config = config_;
    config.firewall = "x { } ; flush ruleset";
    EXPECT_THROW(Networks{config}, Error);
}

/// An engine that attaches two containers, publishes a port, and is killed. The first container's
/// process lives on.
struct KilledEngine {
    std::string live;
    std::string dead;
    pid_t container = -1;
};

[[noreturn]] void engine(const Config& config, const KilledEngine& plan,
                         std::vector<PortRequest> ports, int report) {
    Networks networks(config);
    const auto endpoint = networks.attach(
        {.container_id = plan.live, .container_name = "live", .ports = std::move(ports)});
    networks.attach({.container_id = plan.dead, .container_name = "dead"});
    const auto sandbox = sandbox_of(endpoint);
    const auto child = ::fork();
    if (child == 0) {
        if (::setns(sandbox.get(), CLONE_NEWNET) != 0) ::_exit(1);
        const auto self = ::getpid();
        write_all(report, std::string_view(reinterpret_cast<const char*>(&self), sizeof(self)));
        ::close_range(3, ~0U, 0);  // as the exec of a container's program does
        for (;;) ::pause();
    }
    networks.started(plan.live, child);
    for (;;) ::pause();
}

KilledEngine kill_an_engine(const Config& config, std::vector<PortRequest> ports) {
    KilledEngine plan{.live = random_hex(32), .dead = random_hex(32)};
    auto [read_end, write_end] = make_pipe();
    const auto pid = ::fork();
    if (pid == 0) engine(config, plan, std::move(ports), write_end.get());
    std::array<std::byte, sizeof(pid_t)> report;
    if (read_some(read_end.get(), report) != report.size())
        throw Error(ErrorKind::internal, "the engine failed");
    std::memcpy(&plan.container, report.data(), report.size());
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return plan;
}

TEST_F(EndpointTest, RepairAdoptsTheLivingAndRemovesTheRest) {
    const auto plan = kill_an_engine(config_, {{.host_first = 8088, .container_port = 80}});
    {
        Networks networks(config_);
        networks.repair({{plan.live, plan.container}});
        networks.flush();
        const auto endpoint = networks.find(plan.live);
        ASSERT_TRUE(endpoint);
        EXPECT_FALSE(networks.find(plan.dead));
        EXPECT_FALSE(std::filesystem::exists(config_.run_dir / "netns" / plan.dead));
        EXPECT_NE(networks.attach(request()).address, endpoint->address);

        const auto sandbox = sandbox_of(*endpoint);
        const EchoServer server(sandbox.get(), SOCK_STREAM, 80);
        EXPECT_EQ(ask_from(outside(), SOCK_STREAM, host_ip, 8088), outside_ip);
        EXPECT_THROW(networks.attach(request({{.host_first = 8088, .container_port = 80}})), Error);
    }
    ::kill(plan.container, SIGKILL);
    Networks networks(config_);
    networks.repair({});
    networks.flush();
    EXPECT_TRUE(networks.inspect("bridge").endpoints.empty());
    EXPECT_NO_THROW(networks.attach(request({{.host_first = 8088, .container_port = 80}})));
}

TEST_F(EndpointTest, InspectSpeaksDocker) {
    Networks networks(config_);
    const auto endpoint = networks.attach(request({{.host_first = 8089, .container_port = 80}}));
    const auto settings =
        network_settings_json(&endpoint, "bridge", endpoint.network_id, {"80/tcp", "443/tcp"});
    EXPECT_EQ(settings["IPAddress"], "10.77.0.2");
    EXPECT_EQ(settings["Ports"].dump(),
              R"({"443/tcp":null,"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8089"}]})");
    EXPECT_EQ(settings["Networks"]["bridge"]["Gateway"], "10.77.0.1");
    const auto network =
        network_json(networks.inspect(networks.inspect("bridge").id.substr(0, 12)));
    EXPECT_EQ(network["Name"], "bridge");
    EXPECT_EQ(network["IPAM"]["Config"][0]["Subnet"], "10.77.0.0/24");
    EXPECT_EQ(network["Containers"][endpoint.container_id]["IPv4Address"], "10.77.0.2/24");
    EXPECT_THROW((void)networks.inspect("nowhere"), Error);
}

}  // namespace
}  // namespace brig::network
