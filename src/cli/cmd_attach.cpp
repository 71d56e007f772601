// brig attach, brig start: our terminal on a container that exists.
#include <unistd.h>

#include "base/strings.h"
#include "cli/attach_session.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/output.h"

namespace brig::cli {
namespace {

Json inspect_container(client::Client& engine, const std::string& name) {
    return parse_json(engine.call("GET", container_path(name, "json")).body);
}

void require_terminal(const AttachWish& wish) {
    if (wish.tty && wish.in && !os::is_terminal(STDIN_FILENO)) {
        throw Failure(1, "the input device is not a TTY");
    }
}

int follow(client::Exchange& wait, Stream& stream, client::Hijacked connection,
           std::string_view on_detach) {
    if (stream.run(std::move(connection)) == StreamEnd::detached) {
        if (on_detach.empty()) return 0;
        throw Failure(1, std::string(on_detach));
    }
    if (!wait.has_input()) stream.await_readable(wait.fd());
    return exit_code_of(wait);
}

int start_attached(client::Client& engine, const std::string& name, bool interactive,
                   AttachWish wish) {
    const Json container = inspect_container(engine, name);
    const Json& config = at_path(container, "Config");
    wish.container = text_of(container, "Id");
    wish.tty = truth_of(config, "Tty");
    wish.in = interactive && truth_of(config, "OpenStdin");
    const bool removes = truth_of(at_path(container, "HostConfig"), "AutoRemove");
    require_terminal(wish);
    client::Exchange attach = begin_attach(engine, wish);
    client::Exchange wait = begin_wait(engine, wish.container, removes ? "removed" : "next-exit");
    client::Hijacked connection = attach.hijack();
    wait.response();
    StreamPlan plan = plan_for(engine, wish);
    if (!wait.has_input()) plan.ended_fd = wait.fd();
    Stream stream(std::move(plan));
    engine.call("POST", container_path(wish.container, "start"));
    if (wish.tty) stream.announce_size();
    return follow(wait, stream, std::move(connection), "");
}

}  // namespace

int attach(Invocation& in) {
    AttachWish wish;
    bool no_input = false;
    in.flags.text("detach-keys", wish.detach_keys, "Keys that leave the container running");
    in.flags.toggle("no-stdin", no_input, "Do not attach our standard input");
    in.flags.toggle("sig-proxy", wish.proxy_signals, "Pass signals on to the container")
        .shows_default("true");
    const auto names = in.parse();
    client::Client& engine = in.engine();
    const Json container = inspect_container(engine, names[0]);
    const Json& state = at_path(container, "State");
    if (!truth_of(state, "Running"))
        throw Failure(1, "You cannot attach to a stopped container, start it first");
    if (truth_of(state, "Paused"))
        throw Failure(1, "cannot attach to a paused container, unpause it first");
    if (truth_of(state, "Restarting"))
        throw Failure(1, "cannot attach to a restarting container, wait until it is running");
    wish.container = text_of(container, "Id");
    wish.tty = truth_of(at_path(container, "Config"), "Tty");
    wish.in = !no_input && truth_of(at_path(container, "Config"), "OpenStdin");
    require_terminal(wish);
    client::Exchange wait = begin_wait(engine, wish.container, "not-running");
    client::Exchange exchange = begin_attach(engine, wish);
    client::Hijacked connection = exchange.hijack();
    wait.response();
    StreamPlan plan = plan_for(engine, wish);
    if (!wait.has_input()) plan.ended_fd = wait.fd();
    Stream stream(std::move(plan));
    if (wish.tty) stream.announce_size();
    return follow(wait, stream, std::move(connection), "read escape sequence");
}

int start(Invocation& in) {
    bool attached = false;
    bool interactive = false;
    AttachWish wish;
    in.flags.toggle("attach,a", attached, "Attach standard output and error, and pass signals on");
    in.flags.toggle("interactive,i", interactive, "Attach standard input");
    in.flags.text("detach-keys", wish.detach_keys, "Keys that leave the container running");
    const auto names = in.parse();
    if (attached || interactive) {
        if (names.size() > 1)
            throw Failure(1, "you cannot start and attach multiple containers at once");
        return start_attached(in.engine(), names[0], interactive, wish);
    }
    std::vector<std::string> failed;
    for_each_name(names, [&](const std::string& name) {
        try {
            in.engine().call("POST", container_path(name, "start"));
            print_line(name);
        } catch (const Error&) {
            failed.push_back(name);
            throw;
        }
    });
    if (failed.empty()) return 0;
    throw Failure(1, "Error: failed to start containers: " + join(failed, ", "));
}

}  // namespace brig::cli
