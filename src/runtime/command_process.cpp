// Commands that make, signal and end processes, with runc's options.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/strings.h"
#include "os/process.h"
#include "runtime/arguments.h"
#include "runtime/commands.h"
#include "runtime/foreground.h"

namespace brig::runtime {
namespace fs = std::filesystem;
namespace {

void write_pid_file(const Arguments& args, pid_t pid) {
    const auto path = args.value("pid-file");
    if (path) write_file_atomic(*path, std::to_string(pid), 0644, Durability::rebuildable);
}

int preserved(const Arguments& args) {
    int count = 0;
    if (const auto text = args.value("preserve-fds")) {
        const auto number = parse_int<int>(*text);
        if (!number || *number < 0)
            throw Error(ErrorKind::invalid_argument, "--preserve-fds: {:?} is no number", *text);
        count = *number;
    }
    if (const char* sockets = std::getenv("LISTEN_FDS"))
        count += parse_int<int>(sockets).value_or(0);
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
        if (socket)
            throw Error(ErrorKind::invalid_argument,
                        "--console-socket needs a container with a terminal");
        return;
    }
    if (!socket)
        throw Error(ErrorKind::invalid_argument,
                    "a detached container with a terminal needs --console-socket");
    send_console(*socket, started.console);
    started.console.reset();
}

const std::vector<OptionSpec> create_options{{"bundle", true, "b"},     {"console-socket", true},
                                             {"pid-file", true},        {"no-pivot", false},
                                             {"no-new-keyring", false}, {"preserve-fds", true},
                                             {"detach", false, "d"},    {"keep", false},
                                             {"no-subreaper", false},   {"pidfd-socket", true}};

CreateRequest create_request(const Arguments& args) {
    if (args.has("no-pivot"))
        throw Error(ErrorKind::not_implemented, "--no-pivot is not implemented: it is not safe");
    CreateRequest request;
    request.id = args.positional(0, "a container id");
    request.bundle = fs::absolute(args.value("bundle").value_or("."));
    request.stdio = own_stdio();
    request.preserve_fds = preserved(args);
    return request;
}

int signal_number(const std::string& text) {
    struct Name {
        std::string_view name;
        int number;
    };
    constexpr std::array names{
        Name{"HUP", SIGHUP},       Name{"INT", SIGINT},   Name{"QUIT", SIGQUIT},
        Name{"ILL", SIGILL},       Name{"TRAP", SIGTRAP}, Name{"ABRT", SIGABRT},
        Name{"BUS", SIGBUS},       Name{"FPE", SIGFPE},   Name{"KILL", SIGKILL},
        Name{"USR1", SIGUSR1},     Name{"SEGV", SIGSEGV}, Name{"USR2", SIGUSR2},
        Name{"PIPE", SIGPIPE},     Name{"ALRM", SIGALRM}, Name{"TERM", SIGTERM},
        Name{"CHLD", SIGCHLD},     Name{"CONT", SIGCONT}, Name{"STOP", SIGSTOP},
        Name{"TSTP", SIGTSTP},     Name{"TTIN", SIGTTIN}, Name{"TTOU", SIGTTOU},
        Name{"URG", SIGURG},       Name{"XCPU", SIGXCPU}, Name{"XFSZ", SIGXFSZ},
        Name{"VTALRM", SIGVTALRM}, Name{"PROF", SIGPROF}, Name{"WINCH", SIGWINCH},
        Name{"IO", SIGIO},         Name{"SYS", SIGSYS}};
    if (const auto number = parse_int<int>(text); number && *number >= 0 && *number < NSIG)
        return *number;
    std::string bare = to_lower(text);
    if (bare.starts_with("sig")) bare.erase(0, 3);
    for (const Name& name : names) {
        if (to_lower(name.name) == bare) return name.number;
    }
    throw Error(ErrorKind::invalid_argument, "unknown signal {:?}", text);
}

/// The process of `exec`: from --process, or the container's own with a few things replaced.
oci::Process exec_process(Context& context, const Arguments& args, const std::string& id) {
    if (const auto path = args.value("process")) return oci::process_from_json(read_file(*path));
    const State state = context.runtime.state(id);
    oci::Process process =
        oci::runtime_spec_from_json(read_file(state.bundle / "config.json")).process;
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
        if (!number)
            throw Error(ErrorKind::invalid_argument, "--additional-gids: {:?} is no number", gid);
        process.user.additional_gids.push_back(*number);
    }
    if (const auto user = args.value("user")) {
        // Numbers only, and the whole of them (CVE-2026-30892).
        const auto [uid, gid] = split_once(*user, ':');
        const auto uid_number = parse_int<std::uint32_t>(uid);
        const auto gid_number = parse_int<std::uint32_t>(gid.value_or("0"));
        if (!uid_number || !gid_number)
            throw Error(ErrorKind::invalid_argument, "--user: want UID[:GID], got {:?}", *user);
        process.user.uid = *uid_number;
        process.user.gid = *gid_number;
    }
    return process;
}

}  // namespace

int create_command(Context& context, const Words& words) {
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

int run_command(Context& context, const Words& words) {
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

int start_command(Context& context, const Words& words) {
    context.runtime.start(Arguments(words, {}).positional(0, "a container id"));
    return 0;
}

int kill_command(Context& context, const Words& words) {
    const Arguments args(words, {{"all", false, "a"}}, true);
    const std::string& id = args.positional(0, "a container id");
    const std::string signal = args.rest().size() > 1 ? args.rest()[1] : "SIGTERM";
    context.runtime.kill(id, signal_number(signal), args.has("all"));
    return 0;
}

int delete_command(Context& context, const Words& words) {
    const Arguments args(words, {{"force", false, "f"}}, true);
    context.runtime.remove(args.positional(0, "a container id"), args.has("force"));
    return 0;
}

int exec_command(Context& context, const Words& words) {
    const Arguments args(words, {{"console-socket", true},
                                 {"cwd", true},
                                 {"env", true, "e"},
                                 {"tty", false, "t"},
                                 {"user", true, "u"},
                                 {"additional-gids", true, "g"},
                                 {"process", true, "p"},
                                 {"detach", false, "d"},
                                 {"pid-file", true},
                                 {"no-new-privs", false},
                                 {"cap", true, "c"},
                                 {"preserve-fds", true},
                                 {"ignore-paused", false},
                                 {"apparmor", true},
                                 {"process-label", true},
                                 {"cgroup", true},
                                 {"pidfd-socket", true}});
    for (const char* name : {"apparmor", "process-label", "cgroup"}) {
        if (args.has(name))
            throw Error(ErrorKind::not_implemented, "--{} is not implemented", name);
    }
    const std::string& id = args.positional(0, "a container id");
    ExecRequest request{exec_process(context, args, id), own_stdio(), preserved(args)};
    if (!args.has("detach")) os::become_subreaper();
    Started started = context.runtime.exec(id, std::move(request));
    if (args.has("detach") || args.has("console-socket")) settle_console(args, started);
    write_pid_file(args, started.pid);
    return args.has("detach") ? 0 : stay_in_foreground(std::move(started));
}

}  // namespace brig::runtime
