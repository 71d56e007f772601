// brig exec.
#include <unistd.h>

#include "cli/attach_session.h"
#include "cli/commands.h"
#include "cli/env_file.h"
#include "cli/exit_codes.h"
#include "cli/json.h"
#include "cli/output.h"

namespace brig::cli {
namespace {

struct ExecFlags {
    bool detach = false;
    bool interactive = false;
    bool tty = false;
    bool privileged = false;
    std::string user, workdir, detach_keys;
    std::vector<std::string> env, env_files;

    void declare(Flags& flags) {
        flags.toggle("detach,d", detach, "Run in the background");
        flags.toggle("interactive,i", interactive, "Keep standard input open");
        flags.toggle("tty,t", tty, "Give the command a terminal");
        flags.toggle("privileged", privileged, "Give the command all privileges");
        flags.text("user,u", user, "User (and group) to run as: <name|uid>[:<group|gid>]");
        flags.text("workdir,w", workdir, "Directory to start in");
        flags.text("detach-keys", detach_keys, "Keys that leave the command running");
        flags.value(
            "env,e", "list", [this](const std::string& v) { env.push_back(resolve_env(v)); },
            "Set an environment variable, or pass on ours");
        flags.list("env-file", env_files, "Read environment variables from a file");
    }

    [[nodiscard]] Json request(const std::vector<std::string>& command) const {
        Json body = {{"AttachStdin", interactive && !detach},
                     {"AttachStdout", !detach},
                     {"AttachStderr", !detach},
                     {"Tty", tty},
                     {"Cmd", command}};
        if (privileged) body["Privileged"] = true;
        if (!user.empty()) body["User"] = user;
        if (!workdir.empty()) body["WorkingDir"] = workdir;
        if (!detach_keys.empty()) body["DetachKeys"] = detach_keys;
        std::vector<std::string> variables;
        for (const auto& path : env_files) {
            for (auto& line : read_env_file(path)) variables.push_back(std::move(line));
        }
        variables.insert(variables.end(), env.begin(), env.end());
        if (!variables.empty()) body["Env"] = variables;
        return body;
    }
};

std::string exec_path(const std::string& id, std::string_view what) {
    return "/exec/" + client::encode(id) + "/" + std::string(what);
}

StreamPlan exec_plan(client::Client& engine, const ExecFlags& flags, const std::string& id) {
    AttachWish wish{.tty = flags.tty,
                    .in = flags.interactive,
                    .proxy_signals = false,
                    .detach_keys = flags.detach_keys};
    StreamPlan plan = plan_for(engine, wish);
    if (flags.tty) {
        plan.resize = [&engine, id](os::WindowSize size) {
            try {
                engine.call("POST", exec_path(id, fmt::format("resize?h={}&w={}", size.rows,
                                                              size.columns)));
            } catch (const client::ApiError&) {
                // The command has just ended.
            }
        };
    }
    return plan;
}

int run_exec(client::Client& engine, const ExecFlags& flags, const std::string& id) {
    Json start = {{"Detach", flags.detach}, {"Tty", flags.tty}};
    if (const auto size = flags.tty ? os::window_size(STDOUT_FILENO) : std::nullopt) {
        start["ConsoleSize"] = Json::array({size->rows, size->columns});
    }
    if (flags.detach) {
        engine.call("POST", exec_path(id, "start"), start.dump());
        return 0;
    }
    client::Exchange exchange = engine.begin_hijack(exec_path(id, "start"), start.dump());
    client::Hijacked connection = exchange.hijack();
    {
        Stream stream(exec_plan(engine, flags, id));
        if (flags.tty) stream.announce_size();
        if (stream.run(std::move(connection)) == StreamEnd::detached)
            throw Failure(1, "read escape sequence");
    }
    const Json state = parse_json(engine.call("GET", exec_path(id, "json")).body);
    return static_cast<int>(number_of(state, "ExitCode"));
}

}  // namespace

int exec(Invocation& in) {
    ExecFlags flags;
    flags.declare(in.flags);
    const auto words = in.parse();
    if (!flags.detach && flags.tty && flags.interactive && !os::is_terminal(STDIN_FILENO)) {
        throw Failure(1, "the input device is not a TTY");
    }
    const Json body = flags.request({words.begin() + 1, words.end()});
    client::Client& engine = in.engine();
    const Json created =
        parse_json(engine.call("POST", container_path(words[0], "exec"), body.dump()).body);
    try {
        return run_exec(engine, flags, text_of(created, "Id"));
    } catch (const client::ApiError& error) {
        const int code = start_failure_code(error.said());
        throw Failure(code == 125 ? 1 : code, error.message());
    }
}

}  // namespace brig::cli
