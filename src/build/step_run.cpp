// RUN: a command in a container on the step's snapshot, through the engine's Runner.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "base/error.h"
#include "base/random.h"
#include "base/strings.h"
#include "build/stage.h"
#include "oci/runtime_defaults.h"
#include "os/beneath.h"

namespace brig::build {
namespace {

/// Build arguments that need no ARG and leave no trace in cache and history.
constexpr std::array predefined_args{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy",
                                     "FTP_PROXY",  "ftp_proxy",  "NO_PROXY",    "no_proxy",
                                     "ALL_PROXY",  "all_proxy"};

std::vector<std::string> missing_mount_points(int root) {
    std::vector<std::string> missing;
    for (const auto& path : oci::default_mount_points()) {
        struct stat info {};
        try {
            const auto [parent, name] = os::open_parent_in_root(root, path);
            if (::fstatat(parent.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) continue;
        } catch (const SysError&) {
            // Not even its directory is there.
        }
        missing.push_back(path);
    }
    return missing;
}

/// Removes those that are still empty; the command may have put something there. By descriptor and
/// without following links, for the command may have put links there too (CVE-2024-23652).
void remove_mount_points(int root, const std::vector<std::string>& paths) {
    for (const auto& path : paths) {
        try {
            const auto [parent, name] = os::open_parent_in_root(root, path);
            struct stat info {};
            if (::fstatat(parent.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
            if (S_ISDIR(info.st_mode)) ::unlinkat(parent.get(), name.c_str(), AT_REMOVEDIR);
            if (S_ISREG(info.st_mode) && info.st_size == 0)
                ::unlinkat(parent.get(), name.c_str(), 0);
        } catch (const SysError&) {
            // Gone with its directory.
        }
    }
}

/// The text of a shell-form RUN with its here-documents behind it, as a shell reads them. One that
/// is nothing but a here-document is the script itself.
std::string script(const Instruction& instruction) {
    auto text = instruction.args.front();
    if (instruction.heredocs.empty()) return text;
    const auto& first = instruction.heredocs.front();
    if (instruction.heredocs.size() == 1 &&
        trim(text).find_first_of(" \t") == std::string_view::npos) {
        if (first.content.starts_with("#!")) {
            throw Error(ErrorKind::not_implemented,
                        "a here-document with its own interpreter is not supported yet; name it: "
                        "RUN <<{} python3",
                        first.name);
        }
        return first.content;
    }
    text += '\n';
    for (const auto& heredoc : instruction.heredocs) text += heredoc.content + heredoc.name + "\n";
    return text;
}

}  // namespace

void StageBuilder::run_command(const Instruction& instruction) {
    for (const auto* flag : {"mount", "security"}) {
        if (instruction.flag(flag))
            throw Error(ErrorKind::not_implemented, "the --{} option of RUN is not supported yet",
                        flag);
    }
    RunRequest request;
    request.args = instruction.args;
    if (!instruction.exec_form) {
        request.args = shell_words();
        request.args.push_back(script(instruction));
    }
    request.network = instruction.flag("network").value_or(session_.request.network);
    std::vector<std::string> arguments;  // those that count for the cache, sorted
    for (const auto& [name, value] : args_) {
        if (!env_value(name)) arguments.push_back(name + "=" + value);
    }
    std::vector<std::string> fields{"RUN", request.network, std::to_string(request.args.size())};
    fields.insert(fields.end(), request.args.begin(), request.args.end());
    fields.insert(fields.end(), arguments.begin(), arguments.end());
    const auto step = key(std::move(fields));
    if (reuse(step)) return;

    request.env = config_.config.env;
    request.env.insert(request.env.end(), arguments.begin(), arguments.end());
    for (const auto* name : predefined_args) {
        if (declared_args_.contains(name) || env_value(name)) continue;
        if (const auto value = session_.build_arg(name))
            request.env.push_back(std::string(name) + "=" + *value);
    }
    request.id = random_hex(32);
    request.cwd = config_.config.working_dir.empty() ? "/" : config_.config.working_dir;
    request.user = config_.config.user;
    request.extra_hosts = session_.request.extra_hosts;
    request.shm_size = session_.request.shm_size;
    request.memory = session_.request.memory;

    Work work(*this);
    request.rootfs = work.mounts();
    const auto missing = missing_mount_points(work.open().fd());
    session_.say(" ---> Running in {}\n", request.id.substr(0, 12));
    const int status = session_.parts.runner.run(
        request,
        [&](std::string_view output) {
            if (!session_.request.quiet) session_.progress.text(output);
        },
        [&] { return session_.progress.cancelled(); });
    const auto command = join(request.args, " ");
    if (status != 0) {
        throw RunFailed(
            fmt::format("The command '{}' returned a non-zero code: {}", command, status), status);
    }
    session_.say(" ---> Removed intermediate container {}\n", request.id.substr(0, 12));
    {
        const auto changed = session_.parts.snapshots.tree(work.key());
        remove_mount_points(changed.root.get(), missing);
    }
    const auto prefix =
        arguments.empty() ? "" : fmt::format("|{} {} ", arguments.size(), join(arguments, " "));
    commit(step, prefix + command, work.commit());
}

}  // namespace brig::build
