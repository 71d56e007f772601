// brig-runtime exec: another process in a running container.
#include <array>
#include <csignal>

#include "base/error.h"
#include "base/file.h"
#include "base/strings.h"
#include "os/process.h"
#include "runtime/cli/foreground.h"
#include "runtime/cli/process_options.h"

namespace brig::runtime {
namespace {

constexpr std::array options{
    console_socket_option,
    pidfd_socket_option,
    pid_file_option,
    preserve_fds_option,
    detach_option,
    Option{"process", "p", "FILE", "the process as JSON; the other options about it do not count"},
    Option{"tty", "t", "", "give it a terminal"},
    Option{"cwd", "", "PATH", "its working directory"},
    Option{"env", "e", "NAME=VALUE", "an environment variable; may be repeated"},
    Option{"user", "u", "UID[:GID]", "who it runs as"},
    Option{"additional-gids", "g", "GID", "a further group; may be repeated"},
    Option{"cap", "c", "NAME", "a further capability; may be repeated"},
    Option{"no-new-privs", "", "", "it can gain no privileges by executing a program"},
    Option{"apparmor", "", "PROFILE", "its AppArmor profile"},
    Option{"process-label", "", "LABEL", "its SELinux label"},
    Option{"cgroup", "", "PATH",
           "run it in this group beneath the container's; CONTROLLER:PATH for some only"},
    Option{"ignore-paused", "", "", "also when the container is paused: it runs when that ends"},
    Option{"no-subreaper", "", "", "do not adopt its orphans"}};

void add_capability(os::ProcessSpec& process, const std::string& name) {
    if (!process.capabilities) process.capabilities.emplace();
    auto& sets = *process.capabilities;
    for (auto* set : {&sets.bounding, &sets.effective, &sets.permitted}) set->push_back(name);
    // An ambient capability is of use only to a container that has inheritable ones.
    if (!sets.inheritable.empty()) sets.ambient.push_back(name);
}

/// Numbers only, and the whole of them (CVE-2026-30892).
void set_user(os::ProcessSpec& process, const std::string& text) {
    const auto [uid, gid] = split_once(text, ':');
    const auto uid_number = parse_int<std::uint32_t>(uid);
    const auto gid_number = parse_int<std::uint32_t>(gid.value_or("0"));
    if (!uid_number || !gid_number)
        throw Error(ErrorKind::invalid_argument, "--user: want UID[:GID], got {:?}", text);
    process.user.uid = *uid_number;
    if (gid) process.user.gid = *gid_number;
}

std::uint32_t group_number(const std::string& text) {
    const auto number = parse_int<std::uint32_t>(text);
    if (!number)
        throw Error(ErrorKind::invalid_argument, "--additional-gids: {:?} is no number", text);
    return *number;
}

/// The container's own process with what the options change.
oci::Process process_like_the_first(Context& context, const Arguments& arguments) {
    const State state = context.runtime.state(arguments.words().front());
    auto process = oci::runtime_spec_from_json(read_file(state.bundle / "config.json")).process;
    process.args.assign(arguments.words().begin() + 1, arguments.words().end());
    process.terminal = arguments.has("tty");
    process.console_size.reset();
    process.cwd = arguments.value("cwd").value_or(process.cwd);
    process.apparmor_profile = arguments.value("apparmor").value_or(process.apparmor_profile);
    process.selinux_label = arguments.value("process-label").value_or(process.selinux_label);
    for (const std::string& variable : arguments.all("env")) process.env.push_back(variable);
    if (arguments.has("no-new-privs")) process.no_new_privileges = true;
    for (const std::string& name : arguments.all("cap")) add_capability(process, name);
    if (const auto user = arguments.value("user")) set_user(process, *user);
    for (const std::string& gid : arguments.all("additional-gids"))
        process.user.additional_gids.push_back(group_number(gid));
    return process;
}

oci::Process process_of(Context& context, const Arguments& arguments) {
    oci::Process process = arguments.has("process")
                               ? oci::process_from_json(read_file(*arguments.value("process")))
                               : process_like_the_first(context, arguments);
    if (process.args.empty())
        throw Error(ErrorKind::invalid_argument, "exec args cannot be empty: want a program");
    return process;
}

int run(Context& context, const Arguments& arguments) {
    const bool detached = arguments.has("detach");
    ExecRequest request{process_of(context, arguments), own_stdio(),
                        preserved_fds(arguments),       !detached,
                        arguments.all("cgroup"),        arguments.has("ignore-paused")};
    check_console(arguments, request.process.terminal, detached);
    if (!detached && !arguments.has("no-subreaper")) os::become_subreaper();
    Started started = context.runtime.exec(arguments.words().front(), std::move(request));
    try {
        hand_over(arguments, started);
    } catch (const Error&) {
        const os::Process process(started.pid, std::move(started.process));
        process.signal(SIGKILL);
        static_cast<void>(process.wait());
        throw;
    }
    return detached ? 0 : stay_in_foreground(std::move(started));
}

}  // namespace

constinit const Command exec_command{.name = "exec",
                                     .usage = "CONTAINER PROGRAM [WORDS...]",
                                     .summary = "run another process in a container",
                                     .options = options,
                                     .words = {1, any_words.most},
                                     .placement = Placement::before_words,
                                     .makes_processes = true,
                                     .failure = 255,
                                     .run = run};

}  // namespace brig::runtime
