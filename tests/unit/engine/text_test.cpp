// The parts that only look at text: names, signals, users, mounts, keys, filters, options.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <regex>

#include "base/error.h"
#include "base/file.h"
#include "engine/capabilities.h"
#include "engine/daemon_options.h"
#include "engine/detach_keys.h"
#include "engine/engine.h"
#include "engine/filters.h"
#include "engine/list.h"
#include "engine/mounts.h"
#include "engine/names.h"
#include "engine/signals.h"
#include "engine/spec.h"
#include "engine/stream_format.h"
#include "engine/users.h"
#include "os/sandbox.h"

namespace brig::engine {
namespace {

using namespace std::chrono_literals;

template <typename Action>
std::string message_of(ErrorKind kind, const Action& action) {
    try {
        action();
    } catch (const Error& e) {
        EXPECT_EQ(e.kind(), kind) << e.message();
        return e.message();
    }
    ADD_FAILURE() << "nothing was thrown";
    return {};
}

TEST(Names, RandomOnesAreValid) {
    for (int attempt = 0; attempt < 50; ++attempt) {
        const auto name = random_name(attempt % 6);
        EXPECT_TRUE(std::regex_match(name, std::regex("[a-z]+_[a-z]+[0-9]*"))) << name;
        EXPECT_EQ(check_name(name), name);
    }
}

TEST(Names, BadOnesAreRefused) {
    EXPECT_EQ(check_name("/web"), "web");
    for (const char* bad : {"", "a", "-web", "we b", "web/x", "../x", "w\n"}) {
        EXPECT_EQ(
            message_of(ErrorKind::invalid_argument, [&] { check_name(bad); }),
            fmt::format("Invalid container name ({}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
                        bad));
    }
}

TEST(Signals, NamesAndNumbers) {
    EXPECT_EQ(parse_signal("TERM"), SIGTERM);
    EXPECT_EQ(parse_signal("sigint"), SIGINT);
    EXPECT_EQ(parse_signal("9"), 9);
    EXPECT_EQ(parse_signal("RTMIN+3"), SIGRTMIN + 3);
    for (const char* bad : {"", "0", "-1", "999", "SIGFOO", "RTMIN+99", "9x"}) {
        EXPECT_EQ(message_of(ErrorKind::invalid_argument, [&] { parse_signal(bad); }),
                  std::string("Invalid signal: ") + bad);
    }
}

const Accounts accounts{
    "root:x:0:0:root:/root:/bin/sh\n# a comment\nbroken line\nnobody:x:99999999999:1::/:\n"
    "app:x:1000:1001::/home/app:/bin/sh\nweird:x:5:6::relative:/bin/sh\n",
    "root:x:0:\nwheel:x:10:root,app\napp:x:1001:\nextra:x:2000:someone\n"};

TEST(Users, ByNameNumberAndGroup) {
    const auto root = resolve_user("", {}, accounts);
    EXPECT_EQ(root.uid, 0U);
    EXPECT_EQ(root.home, "/root");
    EXPECT_EQ(root.groups, std::vector<std::uint32_t>{10});
    const auto app = resolve_user("app", {"extra", "3000"}, accounts);
    EXPECT_EQ(app.uid, 1000U);
    EXPECT_EQ(app.gid, 1001U);
    EXPECT_EQ(app.groups, (std::vector<std::uint32_t>{10, 2000, 3000}));
    const auto number = resolve_user("1234", {}, accounts);
    EXPECT_EQ(number.uid, 1234U);
    EXPECT_EQ(number.gid, 0U);
    EXPECT_EQ(number.home, "/");
    const auto both = resolve_user("1000:wheel", {}, accounts);
    EXPECT_EQ(both.gid, 10U);
    EXPECT_TRUE(both.groups.empty());
    EXPECT_EQ(resolve_user("weird", {}, accounts).home, "/");
}

// CVE-2016-3697: an image that calls its root "1000".
TEST(Users, NumbersAreNoNames) {
    const Accounts hostile{"1000:x:0:0::/root:/bin/sh\n", "1000:x:0:\n"};
    const auto user = resolve_user("1000:1000", {"1000"}, hostile);
    EXPECT_EQ(user.uid, 1000U);
    EXPECT_EQ(user.gid, 1000U);
    EXPECT_EQ(user.groups, std::vector<std::uint32_t>{1000});
    EXPECT_EQ(user.home, "/");
}

TEST(Users, UnknownOnesAreNamed) {
    EXPECT_EQ(message_of(ErrorKind::invalid_argument, [] { resolve_user("foo", {}, accounts); }),
              "unable to find user foo: no matching entries in passwd file");
    EXPECT_EQ(
        message_of(ErrorKind::invalid_argument, [] { resolve_user("app:foo", {}, accounts); }),
        "unable to find group foo: no matching entries in group file");
    for (const char* bad : {"4294967296", "2147483648", "0:4294967295"}) {
        message_of(ErrorKind::invalid_argument, [&] { resolve_user(bad, {}, accounts); });
    }
}

TEST(Users, HostileFilesCountAsEmpty) {
    const TempDir directory("/tmp", "brig-users");
    const auto etc = directory.path() / "etc";
    make_directories(etc);
    const Fd root = open_file(directory.path().string(), O_RDONLY | O_DIRECTORY);
    ASSERT_EQ(::mkfifo((etc / "passwd").c_str(), 0600), 0);
    std::filesystem::create_symlink("/etc/hostname", etc / "group");
    const auto found = read_accounts(root.get());
    EXPECT_TRUE(found.passwd.empty());
    EXPECT_TRUE(found.group.empty());
    std::filesystem::remove(etc / "passwd");
    std::filesystem::remove(etc / "group");
    write_file_atomic(directory.path() / "accounts", "root:x:0:0::/root:\n", 0600,
                      Durability::rebuildable);
    std::filesystem::create_symlink("/accounts", etc / "passwd");
    write_file_atomic(etc / "group", std::string(5U << 20U, 'x'), 0600, Durability::rebuildable);
    const auto inside = read_accounts(root.get());
    EXPECT_EQ(inside.passwd, "root:x:0:0::/root:\n");
    EXPECT_TRUE(inside.group.empty());
}

TEST(Mounts, BindSyntax) {
    const auto bind = parse_bind("/src/./x:/dst/:ro,z");
    EXPECT_EQ(bind.type, "bind");
    EXPECT_EQ(bind.source, "/src/x");
    EXPECT_EQ(bind.destination, "/dst");
    EXPECT_FALSE(bind.rw);
    EXPECT_EQ(bind.propagation, "rprivate");
    const auto volume = parse_bind("data:/data:nocopy");
    EXPECT_EQ(volume.type, "volume");
    EXPECT_EQ(volume.name, "data");
    EXPECT_FALSE(volume.copy_up);
    EXPECT_EQ(parse_bind("/src:/dst:rslave").propagation, "rslave");
    for (const char* bad : {"", ":", "a:b", "/a:/", "/a:/../", "/a:/b:rx", "/a:/b:ro,rw",
                            "/a:/b:c:d", "a:/b:rshared", "../x:/b"}) {
        EXPECT_THROW(parse_bind(bad), Error) << bad;
    }
}

TEST(Mounts, EachTargetOnce) {
    Config config;
    HostConfig host;
    config.volumes = {"/data", "/other"};
    host.binds = {"/src:/data"};
    const auto planned = plan_mounts({config, host, {}});
    ASSERT_EQ(planned.size(), 2U);
    EXPECT_EQ(planned[0].type, "bind");
    EXPECT_TRUE(planned[1].anonymous);
    host.tmpfs = {{"/data/", ""}};
    EXPECT_EQ(message_of(ErrorKind::invalid_argument,
                         [&] {
                             plan_mounts({config, host, {}});
                         }),
              "Duplicate mount point: /data");
}

TEST(Requests, WhatIsNotThereIsNamed) {
    const auto refused = [](const std::string& host) {
        return message_of(ErrorKind::not_implemented,
                          [&] { parse_create(R"({"Image":"x","HostConfig":{)" + host + "}}"); });
    };
    EXPECT_EQ(refused(R"("DeviceRequests":[{"Count":-1}])"),
              "device requests (--gpus) is not implemented");
    EXPECT_NO_THROW(parse_create(
        R"({"Image":"x","HostConfig":{"Init":null,"Links":[],"BlkioWeight":0,"Unknown":1}})"));
}

TEST(Requests, MalformedOnesAreRefused) {
    for (const char* bad :
         {"", "[]", "{", R"({"Cmd":1})", R"({"Env":{"a":"b"}})", R"({"HostConfig":[]})",
          R"({"HostConfig":{"Memory":"1"}})", R"({"HostConfig":{"PortBindings":{"80/tcp":"x"}}})",
          R"({"HostConfig":{"RestartPolicy":{"Name":"maybe"}}})", R"({"HostConfig":{"Memory":1}})",
          R"({"HostConfig":{"UsernsMode":"private"}})",
          R"({"HostConfig":{"SecurityOpt":["what"]}})"}) {
        message_of(ErrorKind::invalid_argument, [&] { parse_create(bad); });
    }
}

TEST(Requests, HostConfigGoesRound) {
    const auto text =
        R"({"Image":"x","HostConfig":{"Binds":["/a:/b"],"PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8080"}]},
        "Memory":67108864,"Ulimits":[{"Name":"nofile","Soft":1,"Hard":2}],"Mounts":[{"Type":"tmpfs","Target":"/t","TmpfsOptions":{"SizeBytes":5}}]}})";
    const auto first = parse_create(text);
    const nlohmann::json written = first.host;
    HostConfig second;
    from_json(written, second);
    EXPECT_EQ(nlohmann::json(second), written);
    EXPECT_EQ(second.port_bindings, first.host.port_bindings);
    EXPECT_EQ(second.mounts[0].tmpfs_size, 5);
}

TEST(Spec, Environment) {
    Record record;
    record.config.hostname = "h";
    record.config.env = {"A=1", "PATH=/x", "HOSTNAME"};
    EXPECT_EQ(make_environment(record, {}), (Strings{"PATH=/x", "A=1", "HOME=/"}));
}

TEST(Spec, Capabilities) {
    HostConfig host;
    host.cap_drop = {"all"};
    host.cap_add = {"net_admin", "CAP_CHOWN"};
    EXPECT_EQ(container_capabilities(host), (Strings{"CAP_CHOWN", "CAP_NET_ADMIN"}));
    host.cap_add = {"FLY"};
    EXPECT_EQ(message_of(ErrorKind::invalid_argument, [&] { container_capabilities(host); }),
              "invalid CapAdd: unknown capability: \"CAP_FLY\"");
}

TEST(Spec, LimitsAndSysctls) {
    Record record;
    record.host.nano_cpus = 1'500'000'000;
    record.host.memory = 64 << 20;
    const auto limits = make_resources(record.host);
    EXPECT_EQ(limits.cpu.quota, 150'000);
    // A jail's limit of swap is one of what may be reserved: never by itself.
    const bool jail = os::sandbox_kind() == os::SandboxKind::jail;
    EXPECT_EQ(limits.memory.swap.value_or(0), jail ? 0 : 128 << 20);
    record.host.sysctls = {{"net.ipv4.ip_forward", "1"}};
    EXPECT_NO_THROW(check_spec_options(record));
    record.host.sysctls = {{"kernel.core_pattern", "|/x"}};
    EXPECT_EQ(message_of(ErrorKind::invalid_argument, [&] { check_spec_options(record); }),
              "sysctl \"kernel.core_pattern\" is not in a separate kernel namespace");
}

TEST(List, Words) {
    EXPECT_EQ(human_duration(500ms), "Less than a second");
    EXPECT_EQ(human_duration(90s), "About a minute");
    EXPECT_EQ(human_duration(3h), "3 hours");
    EXPECT_TRUE(name_matches("web_1", "web"));
    EXPECT_TRUE(name_matches("web", "^/web$"));
    EXPECT_FALSE(name_matches("web_1", "^web$"));
}

TEST(Keys, Sequences) {
    EXPECT_EQ(parse_detach_keys(""), "\x10\x11");
    EXPECT_EQ(parse_detach_keys("ctrl-a,d"),
              "\x01"
              "d");
    EXPECT_THROW(parse_detach_keys("ctrl-1"), Error);
}

TEST(FiltersText, BothForms) {
    EXPECT_EQ(parse_filters(R"({"label":["a=b"]})").at("label").front(), "a=b");
    EXPECT_EQ(parse_filters(R"({"status":{"exited":true}})").at("status").front(), "exited");
    EXPECT_TRUE(parse_filters("").empty());
    for (const char* bad : {"[]", "{", R"({"a":1})", R"({"a":[1]})"})
        EXPECT_THROW(parse_filters(bad), Error);
}

TEST(FiltersText, TrueOrFalse) {
    const auto truth = [](std::vector<std::string> values) {
        return truth_of({{"dangling", std::move(values)}}, "dangling");
    };
    EXPECT_EQ(truth({"1"}), true);
    EXPECT_EQ(truth({"false", "0"}), false);
    EXPECT_EQ(truth({}), std::nullopt);
    EXPECT_EQ(truth_of({}, "dangling"), std::nullopt);
    EXPECT_THROW(truth({"maybe"}), Error);
    EXPECT_THROW(truth({"true", "0"}), Error);
}

TEST(Frames, GoRound) {
    std::string stream;
    append_frame(stream, false, "one");
    append_frame(stream, true, "");
    append_frame(stream, true, "two");
    std::string all;
    FrameReader reader;
    for (const char c : stream)
        reader.feed(std::string_view(&c, 1), [&](std::string_view piece) { all += piece; });
    EXPECT_EQ(all, "onetwo");
}

TEST(Daemon, Options) {
    const TempDir directory("/tmp", "brig-options");
    const auto file = directory.path() / "brigd.toml";
    write_file_atomic(file,
                      "bridge = \"br7\"\nidle-exit = 5\nhost = [\"unix:///a\", \"unix:///b\"]\n",
                      0600, Durability::rebuildable);
    const auto options = parse_daemon_options(
        {"--root", "/r", "--config=" + file.string(), "--idle-exit", "7"}, "/nowhere");
    EXPECT_EQ(options.bridge, "br7");
    EXPECT_EQ(options.idle_exit, 7);
    EXPECT_EQ(options.sockets.size(), 2U);
    EXPECT_EQ(options.root, "/r");
    EXPECT_EQ(options.link_prefix, "") << "chosen later";
    EXPECT_EQ(parse_daemon_options({"--run", "/q"}, "/nowhere").sockets.front(), "/q/brig.sock");
    EXPECT_THROW(parse_daemon_options({"-H", "tcp://0.0.0.0:2375"}, "/nowhere"), Error);
    EXPECT_THROW(parse_daemon_options({"--what"}, "/nowhere"), Error);
    write_file_atomic(file, "bridge = [\n", 0600, Durability::rebuildable);
    EXPECT_THROW(parse_daemon_options({"--config", file.string()}, "/nowhere"), Error);
}

DaemonOptions configured(const std::string& text) {
    const TempDir directory("/tmp", "brig-options");
    const auto file = directory.path() / "brigd.toml";
    write_file_atomic(file, text, 0600, Durability::rebuildable);
    return parse_daemon_options({}, file);
}

TEST(Daemon, Registries) {
    const auto options = configured(R"(
        registry-mirrors = ["https://hub.example"]
        insecure-registries = ["old.example"]
        max-concurrent-downloads = 7
        [[registry]]
        location = "docker.io"
        [[registry.mirror]]
        location = "near.example:5000/hub"
        insecure = true
        [[registry]]
        location = "lab:5000"
        insecure = true
    )");
    EXPECT_EQ(options.downloads, 7U);
    EXPECT_THROW(configured("max-concurrent-uploads = 0"), Error);
    EXPECT_EQ(options.insecure_registries, (std::set<std::string>{"old.example", "lab:5000"}));
    const std::vector<registry::Mirror> expected{
        {.host = "near.example:5000", .path = "hub", .insecure = true}, {.host = "hub.example"}};
    EXPECT_EQ(options.mirrors.at("docker.io"), expected) << "the table's first";
    EXPECT_EQ(options.mirrors.size(), 1U);
}

TEST(Daemon, RegistriesThatAreNone) {
    const std::map<std::string, std::string> bad{
        {"[registry]\nlocation = 'a.example'", "written with double brackets: [[registry]]"},
        {"[[\nlocation = 'a.example'", "brigd.toml:1: "},
        {"registry = 7", "double brackets"},
        {"registry = [7]", "is not a table"},
        {"[[registry]]", "needs location"},
        {"[[registry]]\nlocation = 7", "needs location"},
        {"[[registry]]\nlocation = 'lab'", "\"lab\" is not what images of it are called by"},
        {"[[registry]]\nlocation = 'a.example/path'", "is not what images"},
        {"[[registry]]\nlocation = 'a.example'\ninsecure = 'no'", "neither true nor false"},
        {"[[registry]]\nlocation = 'a.example'\nblocked = true", "unknown key \"blocked\""},
        {"[[registry]]\nlocation = 'a.example'\n[registry.mirror]\nlocation = 'm.example'",
         "double brackets: [[registry.mirror]]"},
        {"[[registry]]\nlocation = 'a.example'\n[[registry.mirror]]\nlocation = 'm'",
         "registry a.example: mirror has a location that is none"},
    };
    for (const auto& [text, why] : bad) {
        try {
            configured(text);
            ADD_FAILURE() << text;
        } catch (const Error& e) {
            EXPECT_NE(e.message().find(why), std::string::npos) << e.message();
            EXPECT_NE(e.message().find("brigd.toml"), std::string::npos) << e.message();
        }
    }
}

}  // namespace
}  // namespace brig::engine
