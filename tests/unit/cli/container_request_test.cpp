// The body of a create request from run's flags; the expectations are what docker's client sends.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "cli/container_flags.h"
#include "cli/env_file.h"
#include "cli/mount_flag.h"
#include "cli/port_spec.h"

namespace brig::cli {
namespace {

Json request(std::vector<std::string> words, bool detached = false) {
    ContainerFlags container;
    Flags flags;
    container.declare(flags);
    words.emplace_back("img");
    const auto rest = flags.parse(words, true);
    return container.request(rest[0], {rest.begin() + 1, rest.end()}, detached);
}

std::string failure(const std::vector<std::string>& words) {
    try {
        request(words);
    } catch (const Error& error) {
        return error.message();
    }
    return "";
}

TEST(ContainerRequest, SaysNothingThatWasNotAsked) {
    EXPECT_EQ(
        request({}).dump(),
        R"({"Image":"img","AttachStdin":false,"AttachStdout":true,"AttachStderr":true,"HostConfig":{"NetworkMode":"default"}})");
}

TEST(ContainerRequest, AttachesAsAsked) {
    Json body = request({"-it"});
    EXPECT_TRUE(body["AttachStdin"] == true && body["Tty"] == true && body["OpenStdin"] == true &&
                body["StdinOnce"] == true);
    body = request({"-i"}, true);
    EXPECT_TRUE(body["AttachStdin"] == false && body["OpenStdin"] == true &&
                !body.contains("StdinOnce"));
    body = request({"-a", "STDERR", "-a", "stdin"});
    EXPECT_TRUE(body["AttachStdin"] == true && body["AttachStdout"] == false &&
                body["AttachStderr"] == true);
}

TEST(ContainerRequest, MatchesDockersClient) {
    const Json body = request({"-e",
                               "A=b",
                               "-w",
                               "/w",
                               "-u",
                               "1:2",
                               "-v",
                               "/h:/c:ro",
                               "-v",
                               "vol:/v",
                               "-v",
                               "/anon",
                               "-p",
                               "8080:80",
                               "-p",
                               "127.0.0.1::81/udp",
                               "-P",
                               "--expose",
                               "99",
                               "-h",
                               "hh",
                               "--entrypoint",
                               "/bin/ls",
                               "--network",
                               "none",
                               "--read-only",
                               "--tmpfs",
                               "/run:size=1m",
                               "--cap-add",
                               "net_admin",
                               "--cap-drop",
                               "ALL",
                               "-m",
                               "100m",
                               "--memory-swap",
                               "-1",
                               "--cpus",
                               "1.5",
                               "--pids-limit",
                               "5",
                               "-l",
                               "a=b",
                               "-l",
                               "c",
                               "--restart",
                               "on-failure:3",
                               "--stop-timeout",
                               "3",
                               "--ulimit",
                               "nofile=10:20",
                               "--shm-size",
                               "5m",
                               "--add-host",
                               "b=1.2.3.5",
                               "--device",
                               "/dev/null:/dev/n:rw",
                               "--init",
                               "--sysctl",
                               "net.b=c",
                               "--pid",
                               "host"});
    const Json expected =
        Json::parse(R"({"Image":"img","AttachStdin":false,"AttachStdout":true,"AttachStderr":true,
        "Env":["A=b"],"Labels":{"a":"b","c":""},"Entrypoint":["/bin/ls"],"WorkingDir":"/w","User":"1:2","Hostname":"hh",
        "StopTimeout":3,"ExposedPorts":{"80/tcp":{},"81/udp":{},"99/tcp":{}},"Volumes":{"/anon":{}},
        "HostConfig":{"PortBindings":{"80/tcp":[{"HostIp":"","HostPort":"8080"}],"81/udp":[{"HostIp":"127.0.0.1","HostPort":""}]},
        "PublishAllPorts":true,"Binds":["/h:/c:ro","vol:/v"],"Tmpfs":{"/run":"size=1m"},
        "Devices":[{"PathOnHost":"/dev/null","PathInContainer":"/dev/n","CgroupPermissions":"rw"}],"ReadonlyRootfs":true,
        "Memory":104857600,"MemorySwap":-1,"NanoCpus":1500000000,"PidsLimit":5,"ShmSize":5242880,
        "Ulimits":[{"Name":"nofile","Hard":20,"Soft":10}],"PidMode":"host","CapAdd":["CAP_NET_ADMIN"],"CapDrop":["ALL"],
        "Sysctls":{"net.b":"c"},"Init":true,"RestartPolicy":{"Name":"on-failure","MaximumRetryCount":3},
        "NetworkMode":"none","ExtraHosts":["b:1.2.3.5"]}})");
    EXPECT_EQ(nlohmann::json(body), nlohmann::json(expected)) << body.dump(1);
}

TEST(ContainerRequest, RefusesInDockersWords) {
    EXPECT_EQ(failure({"--rm", "--restart", "always"}),
              "conflicting options: cannot specify both --restart and --rm");
    EXPECT_EQ(failure({"--pid", "foo"}), "--pid: invalid PID mode");
    EXPECT_EQ(failure({"--security-opt", "foo"}), "Invalid --security-opt: \"foo\"");
    EXPECT_EQ(failure({"-a", "foo"}),
              "invalid argument \"foo\" for \"-a, --attach\" flag: valid streams are STDIN, STDOUT "
              "and STDERR");
    EXPECT_EQ(failure({"--ulimit", "nofile=a"}),
              "invalid argument \"nofile=a\" for \"--ulimit\" flag: strconv.ParseInt: parsing "
              "\"a\": invalid syntax");
    EXPECT_EQ(failure({"--env-file", "/nonexistent"}),
              "open /nonexistent: no such file or directory");
    EXPECT_EQ(failure({"-e", "=x"}),
              "invalid argument \"=x\" for \"-e, --env\" flag: invalid environment variable: =x");
}

std::string publish_failure(std::string_view spec) {
    try {
        parse_publish(spec);
    } catch (const Error& error) {
        return error.message();
    }
    return "";
}

TEST(PortSpec, EveryForm) {
    using Bindings = std::vector<PortBinding>;
    EXPECT_EQ(parse_publish("80"), (Bindings{{"80/tcp", "", ""}}));
    EXPECT_EQ(parse_publish("8080:80/UDP"), (Bindings{{"80/udp", "", "8080"}}));
    EXPECT_EQ(parse_publish("127.0.0.1::80"), (Bindings{{"80/tcp", "127.0.0.1", ""}}));
    EXPECT_EQ(parse_publish("[::1]:8080:80"), (Bindings{{"80/tcp", "::1", "8080"}}));
    EXPECT_EQ(parse_publish("9000-9001:90-91"),
              (Bindings{{"90/tcp", "", "9000"}, {"91/tcp", "", "9001"}}));
    EXPECT_EQ(parse_publish("8000-8002:80"), (Bindings{{"80/tcp", "", "8000-8002"}}));
    EXPECT_EQ(parse_expose("99-100/udp"), (std::vector<std::string>{"99/udp", "100/udp"}));
}

TEST(PortSpec, FailuresInDockersWords) {
    EXPECT_EQ(publish_failure("abc"), "invalid containerPort: abc");
    EXPECT_EQ(publish_failure("99999:80"), "invalid hostPort: 99999");
    EXPECT_EQ(publish_failure("80:99999"), "invalid containerPort: 99999");
    EXPECT_EQ(publish_failure("1.2.3:80:80"), "invalid IP address: 1.2.3");
    EXPECT_EQ(publish_failure("80/foo"), "invalid proto: foo");
    EXPECT_EQ(publish_failure("80-81:80-82"),
              "invalid ranges specified for container and host Ports: 80-82 and 80-81");
}

TEST(MountFlag, EveryKind) {
    EXPECT_EQ(parse_mount_flag("type=bind,src=/tmp,dst=/m,readonly").dump(),
              R"({"Type":"bind","Source":"/tmp","Target":"/m","ReadOnly":true})");
    EXPECT_EQ(parse_mount_flag("source=q,target=/q,volume-nocopy=1").dump(),
              R"({"Type":"volume","Source":"q","Target":"/q","VolumeOptions":{"NoCopy":true}})");
    EXPECT_EQ(parse_mount_flag("type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1770").dump(),
              R"({"Type":"tmpfs","Target":"/t","TmpfsOptions":{"SizeBytes":1048576,"Mode":1016}})");
    EXPECT_THROW(parse_mount_flag("type=bind,target=/x,foo=bar"), BadValue);
    EXPECT_THROW(parse_mount_flag("type=volume,source=a"), BadValue);
    EXPECT_THROW(parse_mount_flag("foo"), BadValue);
    EXPECT_THROW(parse_mount_flag("type=bind,src=/a,dst=/b,tmpfs-size=1m"), BadValue);
}

TEST(VolumeFlag, RelativeSourcesBecomeAbsolute) {
    const std::string here = std::filesystem::current_path().string();
    EXPECT_EQ(parse_volume_flag("./a:/x:ro").text, here + "/a:/x:ro");
    EXPECT_EQ(parse_volume_flag(".:/x").text, here + ":/x");
    EXPECT_EQ(parse_volume_flag("name:/x").text, "name:/x");
    EXPECT_FALSE(parse_volume_flag("/x").binds);
    EXPECT_THROW(parse_volume_flag(":::"), Error);
}

TEST(EnvFile, DockersRules) {
    const TempDir directory("/tmp", "brig-cli-test");
    const auto path = (directory.path() / "env").string();
    ::setenv("BRIG_TEST_OWN", "mine", 1);
    write_file_atomic(
        path,
        "\xEF\xBB\xBF# comment\n  A=1 \n\nB= two words\nBRIG_TEST_OWN\nBRIG_TEST_UNSET\r\nC=\n");
    EXPECT_EQ(read_env_file(path),
              (std::vector<std::string>{"A=1 ", "B= two words", "BRIG_TEST_OWN=mine", "C="}));
    write_file_atomic(path, "a b=c\n");
    EXPECT_THROW(read_env_file(path), Error);
    write_file_atomic(path, "=c\n");
    EXPECT_THROW(read_env_file(path), Error);
    EXPECT_EQ(resolve_env("BRIG_TEST_OWN"), "BRIG_TEST_OWN=mine");
    EXPECT_EQ(resolve_env("BRIG_TEST_UNSET"), "BRIG_TEST_UNSET");
}

TEST(ContainerValues, DurationsAndCpus) {
    EXPECT_EQ(parse_go_duration("1m30.5s"), 90500000000);
    EXPECT_EQ(parse_go_duration("100ms"), 100000000);
    EXPECT_THROW(parse_go_duration("5"), BadValue);
    EXPECT_THROW(parse_go_duration(""), BadValue);
    EXPECT_EQ(parse_cpus("0.25"), 250000000);
    EXPECT_THROW(parse_cpus("foo"), BadValue);
}

}  // namespace
}  // namespace brig::cli
