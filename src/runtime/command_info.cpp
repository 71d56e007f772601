// Commands that look at containers or adjust them, and those about the runtime itself.
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/strings.h"
#include "runtime/arguments.h"
#include "runtime/commands.h"

namespace brig::runtime {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

void print(const std::string& text) { write_all(STDOUT_FILENO, text); }

json state_json(const State& state) {
    json j = {{"ociVersion", state.oci_version},
              {"id", state.id},
              {"pid", state.pid},
              {"status", to_string(state.status)},
              {"bundle", state.bundle.string()},
              {"rootfs", state.rootfs.string()},
              {"created", format_rfc3339(state.created)},
              {"owner", ""}};
    if (!state.annotations.empty()) j["annotations"] = state.annotations;
    return j;
}

}  // namespace

int state_command(Context& context, const Words& words) {
    const State found = context.runtime.state(Arguments(words, {}).positional(0, "a container id"));
    print(state_json(found).dump(2) + "\n");
    return 0;
}

int list_command(Context& context, const Words& words) {
    const Arguments args(words, {{"quiet", false, "q"}, {"format", true, "f"}}, true);
    const auto states = context.runtime.list();
    if (args.value("format") == "json") {
        json out = json::array();
        for (const State& s : states) out.push_back(state_json(s));
        print(out.dump() + "\n");
        return 0;
    }
    std::string out;
    if (!args.has("quiet"))
        out =
            fmt::format("{:<24}{:<12}{:<12}{:<36}{}\n", "ID", "PID", "STATUS", "BUNDLE", "CREATED");
    for (const State& s : states) {
        out += args.has("quiet")
                   ? s.id + "\n"
                   : fmt::format("{:<24}{:<12}{:<12}{:<36}{}\n", s.id, s.pid, to_string(s.status),
                                 s.bundle.string(), format_rfc3339(s.created));
    }
    print(out);
    return 0;
}

int ps_command(Context& context, const Words& words) {
    const Arguments args(words, {{"format", true, "f"}}, true);
    const auto pids = context.runtime.processes(args.positional(0, "a container id"));
    if (args.value("format") == "json") {
        print(json(pids).dump() + "\n");
        return 0;
    }
    std::string out = "PID\n";
    for (const pid_t pid : pids) out += std::to_string(pid) + "\n";
    print(out);
    return 0;
}

int pause_command(Context& context, const Words& words) {
    context.runtime.pause(Arguments(words, {}).positional(0, "a container id"));
    return 0;
}

int resume_command(Context& context, const Words& words) {
    context.runtime.resume(Arguments(words, {}).positional(0, "a container id"));
    return 0;
}

int update_command(Context& context, const Words& words) {
    const Arguments args(words,
                         {{"resources", true, "r"},
                          {"memory", true},
                          {"memory-swap", true},
                          {"memory-reservation", true},
                          {"cpu-quota", true},
                          {"cpu-period", true},
                          {"cpu-share", true},
                          {"cpuset-cpus", true},
                          {"cpuset-mems", true},
                          {"pids-limit", true}},
                         true);
    oci::Resources resources;
    if (const auto file = args.value("resources")) {
        resources = oci::resources_from_json(*file == "-" ? read_to_end(STDIN_FILENO, 1U << 20U)
                                                          : read_file(*file));
    }
    const auto number = [&](const char* name, auto& field) {
        const auto text = args.value(name);
        if (!text) return;
        const auto value = *text == "-1" ? std::optional<std::int64_t>(-1) : parse_bytes(*text);
        if (!value)
            throw Error(ErrorKind::invalid_argument, "--{}: {:?} is no number", name, *text);
        field = *value;
    };
    number("memory", resources.memory.limit);
    number("memory-swap", resources.memory.swap);
    number("memory-reservation", resources.memory.reservation);
    number("cpu-quota", resources.cpu.quota);
    number("cpu-period", resources.cpu.period);
    number("cpu-share", resources.cpu.shares);
    number("pids-limit", resources.pids_limit);
    resources.cpu.cpus = args.value("cpuset-cpus").value_or(resources.cpu.cpus);
    resources.cpu.mems = args.value("cpuset-mems").value_or(resources.cpu.mems);
    context.runtime.update(args.positional(0, "a container id"), resources);
    return 0;
}

int spec_command(Context&, const Words& words) {
    const Arguments args(words, {{"bundle", true, "b"}}, true);
    const fs::path path = fs::path(args.value("bundle").value_or(".")) / "config.json";
    if (fs::exists(path))
        throw Error(ErrorKind::already_exists, "{} exists: remove it first", path.string());
    const std::string text = json::parse(oci::to_json(default_spec())).dump(2) + "\n";
    write_file_atomic(path, text, 0644, Durability::rebuildable);
    return 0;
}

int features_command(Context&, const Words&) {
    const json out = {
        {"ociVersionMin", "1.0.0"},
        {"ociVersionMax", "1.3.0"},
        {"hooks",
         {"prestart", "createRuntime", "createContainer", "startContainer", "poststart",
          "poststop"}},
        {"mountOptions",
         {"bind", "rbind", "ro", "rw", "nosuid", "suid", "nodev", "dev", "noexec", "exec", "rro",
          "private", "rprivate", "slave", "rslave", "shared", "rshared", "tmpcopyup"}},
        {"linux",
         {{"namespaces", {"cgroup", "ipc", "mount", "network", "pid", "user", "uts"}},
          {"cgroup", {{"v1", true}, {"v2", true}, {"systemd", false}}},
          {"seccomp", {{"enabled", true}}},
          {"apparmor", {{"enabled", false}}},
          {"selinux", {{"enabled", false}}}}}};
    print(out.dump(2) + "\n");
    return 0;
}

}  // namespace brig::runtime
