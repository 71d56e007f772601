// config.json: what is read, what is refused, and that writing loses nothing.
#include "oci/runtime_spec.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "base/error.h"
#include "oci/runtime_defaults.h"

namespace brig::oci {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

std::string refusal(std::string_view text) {
    try {
        runtime_spec_from_json(text);
    } catch (const Error& e) {
        EXPECT_EQ(e.kind(), ErrorKind::invalid_argument);
        return e.message();
    }
    return "accepted";
}

TEST(RuntimeSpec, DefaultsSurviveTheRoundTrip) {
    for (const RuntimeSpec& spec : {default_linux_spec(), default_freebsd_spec()}) {
        const std::string text = to_json(spec);
        EXPECT_EQ(to_json(runtime_spec_from_json(text)), text);
    }
}

TEST(RuntimeSpec, ReadsEveryResource) {
    const std::string text = R"({"ociVersion":"1.0.2","root":{"path":"rootfs","readonly":true},
      "process":{"terminal":true,"consoleSize":{"height":24,"width":80},"user":{"uid":1,"gid":2,"umask":63,
        "additionalGids":[3,4]},"args":["a"],"cwd":"/","oomScoreAdj":-5,
        "rlimits":[{"type":"RLIMIT_NOFILE","hard":18446744073709551615,"soft":1}]},
      "linux":{"resources":{"devices":[{"allow":true,"type":"c","major":1,"minor":-1,"access":"rw"}],
        "memory":{"limit":-1,"swap":5},"cpu":{"shares":7,"quota":-1,"cpus":"0-1"},"pids":{"limit":9},
        "blockIO":{"weight":10,"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":11}]},
        "unified":{"memory.high":"1"}}},
      "freebsd":{"jail":{"vnet":"new","enforceStatfs":2,"allow":{"rawSockets":true,"mount":["tmpfs"]}}}})";
    const RuntimeSpec spec = runtime_spec_from_json(text);
    EXPECT_EQ(spec.process.user.additional_gids, (std::vector<std::uint32_t>{3, 4}));
    EXPECT_EQ(spec.process.rlimits.at(0).hard, UINT64_MAX);
    EXPECT_EQ(spec.linux->resources.memory.limit, -1);
    EXPECT_EQ(spec.linux->resources.pids_limit, 9);
    EXPECT_EQ(spec.linux->resources.devices.at(0).minor, -1);
    EXPECT_EQ(spec.linux->resources.unified.at("memory.high"), "1");
    EXPECT_TRUE(spec.freebsd->jail.allow.raw_sockets);
    EXPECT_EQ(to_json(runtime_spec_from_json(to_json(spec))), to_json(spec));
}

TEST(RuntimeSpec, ReadsFieldsInAnyCase) {
    const std::string text = R"({"ociVersion":"1.2.0","linux":{"resources":{
        "hugepageLimits":[{"pagesize":"2MB","limit":1}],"Pids":{"Limit":3},"pids":{"limit":4}}}})";
    const auto resources = runtime_spec_from_json(text).linux->resources;
    EXPECT_EQ(resources.hugepages.at(0).page_size, "2MB");
    EXPECT_EQ(resources.pids_limit, 4);  // its own spelling comes first
    EXPECT_THAT(refusal(R"({"ociVersion":"1.2.0","hostName":1})"), HasSubstr("hostname: want"));
}

TEST(RuntimeSpec, NamesTheFieldAtFault) {
    EXPECT_THAT(refusal("["), HasSubstr("malformed"));
    EXPECT_THAT(refusal(R"({"ociVersion":"2.0"})"), HasSubstr("ociVersion"));
    EXPECT_THAT(refusal(R"({"process":{"user":{"uid":"0"}}})"),
                HasSubstr("process.user.uid: want a whole number"));
    EXPECT_THAT(refusal(R"({"process":{"args":[1]}})"), HasSubstr("process.args: want a string"));
    EXPECT_THAT(refusal(R"({"linux":{"namespaces":{}}})"),
                HasSubstr("linux.namespaces: want an array"));
}

TEST(RuntimeSpec, NumbersDoNotWrap) {  // CVE-2024-40635
    EXPECT_THAT(refusal(R"({"process":{"user":{"uid":4294967296}}})"),
                HasSubstr("process.user.uid"));
    EXPECT_THAT(refusal(R"({"process":{"user":{"uid":-1}}})"), HasSubstr("process.user.uid"));
}

TEST(RuntimeSpec, NulInAStringIsRefused) {
    EXPECT_THAT(refusal(R"({"process":{"args":["a\u0000b"]}})"), HasSubstr("NUL"));
}

const SeccompRule* rule_for(const Seccomp& profile, std::string_view call) {
    const auto found = std::ranges::find_if(profile.syscalls, [&](const SeccompRule& rule) {
        return std::ranges::find(rule.names, call) != rule.names.end();
    });
    return found == profile.syscalls.end() ? nullptr : &*found;
}

TEST(DefaultSeccomp, FollowsTheCapabilities) {
    const Seccomp plain = default_seccomp(default_capabilities());
    EXPECT_EQ(rule_for(plain, "mount"), nullptr);
    ASSERT_NE(rule_for(plain, "clone3"), nullptr);
    EXPECT_EQ(rule_for(plain, "clone3")->errno_ret, 38U);
    EXPECT_FALSE(rule_for(plain, "clone")->args.empty());

    const Seccomp admin = default_seccomp(all_capabilities());
    EXPECT_EQ(rule_for(admin, "mount")->action, "SCMP_ACT_ALLOW");
    EXPECT_TRUE(rule_for(admin, "clone")->args.empty());
}

TEST(DefaultSeccomp, LeavesOutKernelCryptoSockets) {  // CVE-2026-31431
    constexpr std::uint64_t af_alg = 38;
    for (const SeccompRule& rule : default_seccomp(default_capabilities()).syscalls) {
        if (rule.names != std::vector<std::string>{"socket"}) continue;
        ASSERT_EQ(rule.args.size(), 1U);
        EXPECT_FALSE(rule.args[0].op == "SCMP_CMP_EQ" && rule.args[0].value == af_alg);
        EXPECT_FALSE(rule.args[0].op == "SCMP_CMP_LT" && rule.args[0].value > af_alg);
    }
}

TEST(DockerSeccompProfile, ResolvesConditions) {
    const std::string text = R"({"defaultAction":"SCMP_ACT_ERRNO",
      "archMap":[{"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86"]},
                 {"architecture":"SCMP_ARCH_AARCH64","subArchitectures":["SCMP_ARCH_ARM"]}],
      "syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW"},
                  {"names":["mount"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_SYS_ADMIN"]}},
                  {"names":["clone3"],"action":"SCMP_ACT_ERRNO","errnoRet":38,"excludes":{"caps":["CAP_SYS_ADMIN"]}},
                  {"names":["oldcall"],"action":"SCMP_ACT_ALLOW","includes":{"arches":["s390x"]}}]})";
    const Seccomp plain = seccomp_from_docker_profile(text, {});
    EXPECT_NE(rule_for(plain, "read"), nullptr);
    EXPECT_EQ(rule_for(plain, "mount"), nullptr);
    EXPECT_NE(rule_for(plain, "clone3"), nullptr);
    EXPECT_EQ(rule_for(plain, "oldcall"), nullptr);
    const Seccomp admin = seccomp_from_docker_profile(text, {"CAP_SYS_ADMIN"});
    EXPECT_NE(rule_for(admin, "mount"), nullptr);
    EXPECT_EQ(rule_for(admin, "clone3"), nullptr);
    EXPECT_THROW(seccomp_from_docker_profile("{}", {}), Error);
}

}  // namespace
}  // namespace brig::oci
