// See command_line.h. One function per command; what they share is on top.
#include "runtime/command_line.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strings.h"
#include "base/version.h"
#include "os/process.h"
#include "runtime/arguments.h"
#include "runtime/foreground.h"
#include "runtime/runtime.h"

namespace brig::runtime {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

struct Context {
    Runtime& runtime;
    bool systemd_cgroup = false;
};
using Words = std::vector<std::string>;

void print(const std::string& text) { write_all(STDOUT_FILENO, text); }

void write_pid_file(const Arguments& args, pid_t pid) {
    const auto path = args.value("pid-file");
    if (path) write_file_atomic(*path, std::to_string(pid), 0644, Durability::rebuildable);
}

int preserved(const Arguments& args) {
    int count = 0;
    if (const auto text = args.value("preserve-fds")) {
        const auto number = parse_int<int>(*text);
        if (!number || *number < 0) throw Error(ErrorKind::invalid_argument, "--preserve-fds: {:?} is no number", *text);
        count = *number;
    }
    if (const char* sockets = std::getenv("LISTEN_FDS")) count += parse_int<int>(sockets).value_or(0);
    return count;
}

Stdio own_stdio() {
    const auto take = [](int fd) { return Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 3)); };
    return {take(0), take(1), take(2)};
}

/// Hands the terminal over or says that nobody wants it.
void settle_console(const Arguments& args, Started& started) {
    const auto socket = args.value("console-socket");
    if (!started.console) {
        if (socket) throw Error(ErrorKind::invalid_argument, "--console-socket needs a container with a terminal");
        return;
    }
    if (!socket) throw Error(ErrorKind::invalid_argument, "a detached container with a terminal needs --console-socket");
    send_console(*socket, started.console);
    started.console.reset();
}

const std::vector<OptionSpec> create_options{
    {"bundle", true, "b"}, {"console-socket", true}, {"pid-file", true}, {"no-pivot", false},
    {"no-new-keyring", false}, {"preserve-fds", true}, {"detach", false, "d"}, {"keep", false},
    {"no-subreaper", false}, {"pidfd-socket", true}};

CreateRequest create_request(const Arguments& args) {
    if (args.has("no-pivot")) throw Error(ErrorKind::not_implemented, "--no-pivot is not implemented: it is not safe");
    CreateRequest request;
    request.id = args.positional(0, "a container id");
    request.bundle = fs::absolute(args.value("bundle").value_or("."));
    request.stdio = own_stdio();
    request.preserve_fds = preserved(args);
    return request;
}

int create(Context& context, const Words& words) {
    const Arguments args(words, create_options);
    CreateRequest request = create_request(args);
    const std::string id = request.id;
    Started started = context.runtime.create(std::move(request));
    try {
        settle_console(args, started);
        write_pid_file(args, started.pid);
    } catch (const Error&) {
        context.runtime.remove(id, true);
        throw;
    }
    return 0;
}

int run(Context& context, const Words& words) {
    const Arguments args(words, create_options);
    CreateRequest request = create_request(args);
    const std::string id = request.id;
    if (!args.has("detach")) os::become_subreaper();
    Started started = context.runtime.run(std::move(request));
    try {
        if (args.has("detach") || args.has("console-socket")) settle_console(args, started);
        write_pid_file(args, started.pid);
        if (args.has("detach")) return 0;
        const int status = stay_in_foreground(std::move(started));
        if (!args.has("keep")) context.runtime.remove(id, true);
        return status;
    } catch (const Error&) {
        context.runtime.remove(id, true);
        throw;
    }
}

int start(Context& context, const Words& words) {
    context.runtime.start(Arguments(words, {}).positional(0, "a container id"));
    return 0;
}

json state_json(const State& state) {
    json j = {{"ociVersion", state.oci_version}, {"id", state.id},
              {"pid", state.pid},                {"status", to_string(state.status)},
              {"bundle", state.bundle.string()}, {"rootfs", state.rootfs.string()},
              {"created", format_rfc3339(state.created)}, {"owner", ""}};
    if (!state.annotations.empty()) j["annotations"] = state.annotations;
    return j;
}

int state(Context& context, const Words& words) {
    const State found = context.runtime.state(Arguments(words, {}).positional(0, "a container id"));
    print(state_json(found).dump(2) + "\n");
    return 0;
}

int signal_number(const std::string& text) {
    struct Name {
        std::string_view name;
        int number;
    };
    constexpr std::array names{
        Name{"HUP", SIGHUP},   Name{"INT", SIGINT},   Name{"QUIT", SIGQUIT}, Name{"ILL", SIGILL},
        Name{"TRAP", SIGTRAP}, Name{"ABRT", SIGABRT}, Name{"BUS", SIGBUS},   Name{"FPE", SIGFPE},
        Name{"KILL", SIGKILL}, Name{"USR1", SIGUSR1}, Name{"SEGV", SIGSEGV}, Name{"USR2", SIGUSR2},
        Name{"PIPE", SIGPIPE}, Name{"ALRM", SIGALRM}, Name{"TERM", SIGTERM}, Name{"CHLD", SIGCHLD},
        Name{"CONT", SIGCONT}, Name{"STOP", SIGSTOP}, Name{"TSTP", SIGTSTP}, Name{"TTIN", SIGTTIN},
        Name{"TTOU", SIGTTOU}, Name{"URG", SIGURG},   Name{"XCPU", SIGXCPU}, Name{"XFSZ", SIGXFSZ},
        Name{"VTALRM", SIGVTALRM}, Name{"PROF", SIGPROF}, Name{"WINCH", SIGWINCH}, Name{"IO", SIGIO},
        Name{"SYS", SIGSYS}};
    if (const auto number = parse_int<int>(text); number && *number >= 0 && *number < NSIG) return *number;
    std::string bare = to_lower(text);
    if (bare.starts_with("sig")) bare.erase(0, 3);
    for (const Name& name : names) {
        if (to_lower(name.name) == bare) return name.number;
    }
    throw Error(ErrorKind::invalid_argument, "unknown signal {:?}", text);
}

int kill(Context& context, const Words& words) {
    const Arguments args(words, {{"all", false, "a"}}, true);
    const std::string& id = args.positional(0, "a container id");
    const std::string signal = args.rest().size() > 1 ? args.rest()[1] : "SIGTERM";
    context.runtime.kill(id, signal_number(signal), args.has("all"));
    return 0;
}

int remove(Context& context, const Words& words) {
    const Arguments args(words, {{"force", false, "f"}}, true);
    context.runtime.remove(args.positional(0, "a container id"), args.has("force"));
    return 0;
}

/// The process of `exec`: from --process, or the container's own with a few things replaced.
oci::Process exec_process(Context& context, const Arguments& args, const std::string& id) {
    if (const auto path = args.value("process")) return oci::process_from_json(read_file(*path));
    const State state = context.runtime.state(id);
    oci::Process process = oci::runtime_spec_from_json(read_file(state.bundle / "config.json")).process;
    process.args.assign(args.rest().begin() + 1, args.rest().end());
    if (process.args.empty()) throw Error(ErrorKind::invalid_argument, "want a command to execute");
    process.terminal = args.has("tty");
    process.console_size.reset();
    if (const auto cwd = args.value("cwd")) process.cwd = *cwd;
    for (const std::string& variable : args.all("env")) process.env.push_back(variable);
    if (args.has("no-new-privs")) process.no_new_privileges = true;
    for (const std::string& name : args.all("cap")) {
        if (!process.capabilities) process.capabilities.emplace();
        auto& sets = *process.capabilities;
        for (auto* set : {&sets.bounding, &sets.effective, &sets.permitted}) set->push_back(name);
    }
    for (const std::string& gid : args.all("additional-gids")) {
        const auto number = parse_int<std::uint32_t>(gid);
        if (!number) throw Error(ErrorKind::invalid_argument, "--additional-gids: {:?} is no number", gid);
        process.user.additional_gids.push_back(*number);
    }
    if (const auto user = args.value("user")) {
        // Numbers only, and the whole of them (CVE-2026-30892).
        const auto [uid, gid] = split_once(*user, ':');
        const auto uid_number = parse_int<std::uint32_t>(uid);
        const auto gid_number = parse_int<std::uint32_t>(gid.value_or("0"));
        if (!uid_number || !gid_number) throw Error(ErrorKind::invalid_argument, "--user: want UID[:GID], got {:?}", *user);
        process.user.uid = *uid_number;
        process.user.gid = *gid_number;
    }
    return process;
}

int exec(Context& context, const Words& words) {
    const Arguments args(words, {{"console-socket", true}, {"cwd", true}, {"env", true, "e"}, {"tty", false, "t"},
                                 {"user", true, "u"}, {"additional-gids", true, "g"}, {"process", true, "p"},
                                 {"detach", false, "d"}, {"pid-file", true}, {"no-new-privs", false},
                                 {"cap", true, "c"}, {"preserve-fds", true}, {"ignore-paused", false},
                                 {"apparmor", true}, {"process-label", true}, {"cgroup", true}, {"pidfd-socket", true}});
    for (const char* name : {"apparmor", "process-label", "cgroup"}) {
        if (args.has(name)) throw Error(ErrorKind::not_implemented, "--{} is not implemented", name);
    }
    const std::string& id = args.positional(0, "a container id");
    ExecRequest request{exec_process(context, args, id), own_stdio(), preserved(args)};
    if (!args.has("detach")) os::become_subreaper();
    Started started = context.runtime.exec(id, std::move(request));
    if (args.has("detach") || args.has("console-socket")) settle_console(args, started);
    write_pid_file(args, started.pid);
    return args.has("detach") ? 0 : stay_in_foreground(std::move(started));
}

int list(Context& context, const Words& words) {
    const Arguments args(words, {{"quiet", false, "q"}, {"format", true, "f"}}, true);
    const auto states = context.runtime.list();
    if (args.value("format") == "json") {
        json out = json::array();
        for (const State& s : states) out.push_back(state_json(s));
        print(out.dump() + "\n");
        return 0;
    }
    std::string out;
    if (!args.has("quiet")) out = fmt::format("{:<24}{:<12}{:<12}{:<36}{}\n", "ID", "PID", "STATUS", "BUNDLE", "CREATED");
    for (const State& s : states) {
        out += args.has("quiet") ? s.id + "\n"
                                 : fmt::format("{:<24}{:<12}{:<12}{:<36}{}\n", s.id, s.pid, to_string(s.status),
                                               s.bundle.string(), format_rfc3339(s.created));
    }
    print(out);
    return 0;
}

int ps(Context& context, const Words& words) {
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

int pause(Context& context, const Words& words) {
    context.runtime.pause(Arguments(words, {}).positional(0, "a container id"));
    return 0;
}

int resume(Context& context, const Words& words) {
    context.runtime.resume(Arguments(words, {}).positional(0, "a container id"));
    return 0;
}

int update(Context& context, const Words& words) {
    const Arguments args(words, {{"resources", true, "r"}, {"memory", true}, {"memory-swap", true},
                                 {"memory-reservation", true}, {"cpu-quota", true}, {"cpu-period", true},
                                 {"cpu-share", true}, {"cpuset-cpus", true}, {"cpuset-mems", true},
                                 {"pids-limit", true}}, true);
    oci::Resources resources;
    if (const auto file = args.value("resources")) {
        resources = oci::resources_from_json(*file == "-" ? read_to_end(STDIN_FILENO, 1U << 20U) : read_file(*file));
    }
    const auto number = [&](const char* name, auto& field) {
        const auto text = args.value(name);
        if (!text) return;
        const auto value = *text == "-1" ? std::optional<std::int64_t>(-1) : parse_bytes(*text);
        if (!value) throw Error(ErrorKind::invalid_argument, "--{}: {:?} is no number", name, *text);
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

int spec(Context&, const Words& words) {
    const Arguments args(words, {{"bundle", true, "b"}}, true);
    const fs::path path = fs::path(args.value("bundle").value_or(".")) / "config.json";
    if (fs::exists(path)) throw Error(ErrorKind::already_exists, "{} exists: remove it first", path.string());
    const std::string text = json::parse(oci::to_json(default_spec())).dump(2) + "\n";
    write_file_atomic(path, text, 0644, Durability::rebuildable);
    return 0;
}

int features(Context&, const Words&) {
    const json out = {
        {"ociVersionMin", "1.0.0"},
        {"ociVersionMax", "1.3.0"},
        {"hooks", {"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"}},
        {"mountOptions", {"bind", "rbind", "ro", "rw", "nosuid", "suid", "nodev", "dev", "noexec", "exec", "rro",
                          "private", "rprivate", "slave", "rslave", "shared", "rshared", "tmpcopyup"}},
        {"linux", {{"namespaces", {"cgroup", "ipc", "mount", "network", "pid", "user", "uts"}},
                   {"cgroup", {{"v1", true}, {"v2", true}, {"systemd", false}}},
                   {"seccomp", {{"enabled", true}}},
                   {"apparmor", {{"enabled", false}}},
                   {"selinux", {{"enabled", false}}}}}};
    print(out.dump(2) + "\n");
    return 0;
}

struct Command {
    std::string_view name;
    int (*function)(Context&, const Words&);
    bool makes_processes;
};
constexpr std::array commands{
    Command{"create", create, true},   Command{"start", start, false},  Command{"state", state, false},
    Command{"kill", kill, false},      Command{"delete", remove, false}, Command{"run", run, true},
    Command{"exec", exec, true},       Command{"list", list, false},    Command{"ps", ps, false},
    Command{"pause", pause, false},    Command{"resume", resume, false}, Command{"update", update, false},
    Command{"spec", spec, false},      Command{"features", features, false}};

void print_usage() {
    std::string out = "usage: brig-runtime [--root DIR] [--log FILE] [--log-format text|json] COMMAND …\ncommands:";
    for (const Command& command : commands) (out += ' ') += command.name;
    print(out + "\n");
}

/// runc's callers read the last line of the log file.
void report(const Arguments* globals, const std::string& message) {
    write_all(STDERR_FILENO, "brig-runtime: " + message + "\n");
    if (globals == nullptr) return;
    const auto path = globals->value("log");
    if (!path) return;
    const std::string time = format_rfc3339(now());
    const std::string line = globals->value("log-format") == "json"
                                 ? json{{"level", "error"}, {"msg", message}, {"time", time}}.dump() + "\n"
                                 : fmt::format("time=\"{}\" level=error msg={:?}\n", time, message);
    const Fd file(::open(path->c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    if (file) write_all(file.get(), line);
}

/// A shell's codes for a program that cannot be run, 1 for all else, as runc.
int code_of(const Error& error) {
    if (!error.message().starts_with("exec")) return 1;
    if (error.kind() == ErrorKind::not_found) return 127;
    return error.kind() == ErrorKind::permission_denied ? 126 : 1;
}

int dispatch(const Arguments& globals, char** argv) {
    const Words& rest = globals.rest();
    if (globals.has("version")) {
        print(fmt::format("brig-runtime version {}\ncommit: {}\nspec: 1.3.0\n", version, git_commit));
        return 0;
    }
    if (rest.empty() || globals.has("help")) {
        print_usage();
        return rest.empty() && !globals.has("help") ? 1 : 0;
    }
    const auto* command = std::ranges::find_if(commands, [&](const Command& c) { return c.name == rest.front(); });
    if (command == commands.end()) throw Error(ErrorKind::invalid_argument, "unknown command {:?}", rest.front());
    if (command->makes_processes) os::protect_own_program(argv);
    if (globals.has("debug")) log::set_level(log::Level::debug);
    Runtime runtime(globals.value("root").value_or("/run/brig-runtime"));
    Context context{runtime, globals.has("systemd-cgroup")};
    return command->function(context, {rest.begin() + 1, rest.end()});
}

}  // namespace

int command_line(int argc, char** argv) {
    ::signal(SIGPIPE, SIG_IGN);
    std::optional<Arguments> globals;
    try {
        globals.emplace(Words(argv + 1, argv + argc),
                        std::vector<OptionSpec>{{"root", true}, {"log", true}, {"log-format", true}, {"debug", false},
                                                {"systemd-cgroup", false}, {"rootless", true}, {"criu", true},
                                                {"version", false, "v"}, {"help", false, "h"}});
        return dispatch(*globals, argv);
    } catch (const Error& e) {
        report(globals ? &*globals : nullptr, e.message());
        return code_of(e);
    } catch (const std::exception& e) {
        report(globals ? &*globals : nullptr, e.what());
        return 1;
    }
}

}  // namespace brig::runtime
