// What jails cannot give is refused by the flag's name, whatever kernel the test runs on.
#include "engine/jail_options.h"

#include <gmock/gmock.h>

#include <functional>

#include "base/error.h"
#include "oci/runtime_defaults.h"

namespace brig::engine {
namespace {

using Change = std::function<void(HostConfig&)>;

std::string refusal(const Change& change) {
    HostConfig host;
    change(host);
    try {
        check_jail_options(host, "freebsd");
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::not_implemented);
        return error.message();
    }
    return "";
}

TEST(JailOptions, WhatJailsCannotDoIsRefusedByName) {
    const std::vector<std::pair<std::string, Change>> cases{
        {"--sysctl",
         [](auto& h) {
             h.sysctls = {{"net.inet.tcp.x", "1"}};
         }},
        {"--cap-add", [](auto& h) { h.cap_add = {"NET_ADMIN"}; }},
        {"--cap-drop", [](auto& h) { h.cap_drop = {"ALL"}; }},
        {"--security-opt seccomp", [](auto& h) { h.security_opt = {"seccomp={}"}; }},
        {"--security-opt apparmor", [](auto& h) { h.security_opt = {"apparmor=docker-default"}; }},
        {"--pid host", [](auto& h) { h.pid_mode = "host"; }},
        {"--ipc shareable", [](auto& h) { h.ipc_mode = "shareable"; }},
        {"--cgroupns host", [](auto& h) { h.cgroupns_mode = "host"; }},
        {"--shm-size", [](auto& h) { h.shm_size = 1 << 20; }},
        {"--oom-score-adj", [](auto& h) { h.oom_score_adj = 5; }},
        {"--oom-kill-disable", [](auto& h) { h.oom_kill_disable = true; }},
        {"--memory-reservation", [](auto& h) { h.memory_reservation = 1 << 20; }},
        {"--memory-swappiness", [](auto& h) { h.memory_swappiness = 10; }},
        {"--cpu-shares", [](auto& h) { h.cpu_shares = 512; }},
        {"--cpuset-mems", [](auto& h) { h.cpuset_mems = "0"; }},
        {"--ulimit rtprio",
         [](auto& h) {
             h.ulimits = {{"rtprio", 1, 1}};
         }},
        {"--device /dev/a:/dev/b",
         [](auto& h) {
             h.devices = {{"/dev/a", "/dev/b", "rwm"}};
         }},
        {"--device /dev/a:r",
         [](auto& h) {
             h.devices = {{"/dev/a", "/dev/a", "r"}};
         }},
        {"--volume /a:/b:rshared", [](auto& h) { h.binds = {"/a:/b:rshared"}; }},
        {"bind-propagation=rslave",
         [](auto& h) {
             MountRequest mount;
             mount.bind_propagation = "rslave";
             h.mounts = {mount};
         }},
        {"MaskedPaths", [](auto& h) { h.masked_paths = {"/x"}; }},
        {"ReadonlyPaths", [](auto& h) { h.readonly_paths = {"/x"}; }},
    };
    for (const auto& [option, change] : cases)
        EXPECT_THAT(refusal(change), testing::StartsWith(option + " is not possible on FreeBSD: "));
}

TEST(JailOptions, WhatTheyDoOrHaveAnywayIsNotRefused) {
    EXPECT_EQ(refusal([](auto& h) {
                  h.security_opt = {"no-new-privileges", "seccomp=unconfined", "label=disable"};
                  h.binds = {"/a:/b:ro", "/shared:/slave"};
                  h.devices = {{"/dev/a", "/dev/a", "rwm"}};
                  h.masked_paths = Strings{};
                  h.ulimits = {{"nofile", 10, 10}};
                  h.ipc_mode = "private";
                  h.memory = 1 << 30;
                  h.annotations = {{"org.freebsd.jail.securelevel", "3"}};
              }),
              "");
}

TEST(JailOptions, JailParametersAreRefusedWithoutJails) {
    HostConfig host;
    host.annotations = {{"org.example.x", "1"}};
    EXPECT_NO_THROW(check_namespace_options(host));
    host.annotations["org.freebsd.jail.securelevel"] = "3";
    EXPECT_THROW(check_namespace_options(host), Error);
}

TEST(JailOptions, SharingAndPrivilegesAreTheJailsSettings) {
    Record record;
    record.host.network_mode = record.host.uts_mode = record.host.ipc_mode = "host";
    record.host.privileged = true;
    auto spec = oci::default_freebsd_spec();
    set_jail(spec, record);
    const auto& jail = spec.freebsd->jail;
    EXPECT_EQ(jail.vnet, "inherit");
    EXPECT_EQ(jail.host, "inherit");
    EXPECT_EQ(jail.sysvshm, "inherit");
    EXPECT_TRUE(jail.allow.raw_sockets);
    EXPECT_EQ(jail.enforce_statfs, 1);
}

TEST(JailOptions, LinuxImagesGetWhatTheirProgramsExpect) {
    Record record;
    record.os = "linux";
    record.host.shm_size = 1 << 20;
    auto spec = oci::default_freebsd_spec();
    set_jail(spec, record);
    std::vector<std::string> places;
    for (const auto& mount : spec.mounts) places.push_back(mount.type + " " + mount.target);
    EXPECT_THAT(places, testing::IsSupersetOf(
                            {"linprocfs /proc", "linsysfs /sys", "tmpfs /dev/shm", "devfs /dev"}));
    EXPECT_EQ(spec.annotations.at("org.freebsd.jail.linux.osrelease"), "5.15.0");
    EXPECT_NO_THROW(check_jail_options(record.host, "linux"));
    EXPECT_THROW(check_jail_options(record.host, "freebsd"), Error);
}

}  // namespace
}  // namespace brig::engine
