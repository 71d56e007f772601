// stop, kill, restart, pause, unpause, rm, rename, wait: one call per container.
#include "cli/attach_session.h"
#include "cli/commands.h"
#include "cli/filters.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/prune.h"

namespace brig::cli {
namespace {

int post_to_each(Invocation& in, std::string_view what, const std::string& query = {}) {
    return for_each_name(in.parse(), [&](const std::string& name) {
        in.engine().call("POST", container_path(name, what) + query);
        print_line(name);
    });
}

int stop_or_restart(Invocation& in, std::string_view what) {
    std::string signal;
    std::optional<std::int64_t> timeout;
    in.flags.text("signal,s", signal, "Signal to send");
    in.flags.number("timeout,t", timeout, "Seconds to wait before killing");
    in.flags.number("time", timeout, "").hide();
    const auto names = in.parse();
    client::Query query;
    if (!signal.empty()) query.add("signal", signal);
    if (timeout) query.add("t", std::to_string(*timeout));
    return for_each_name(names, [&](const std::string& name) {
        in.engine().call("POST", container_path(name, what) + query.str());
        print_line(name);
    });
}

}  // namespace

int stop(Invocation& in) { return stop_or_restart(in, "stop"); }
int restart(Invocation& in) { return stop_or_restart(in, "restart"); }
int pause(Invocation& in) { return post_to_each(in, "pause"); }
int unpause(Invocation& in) { return post_to_each(in, "unpause"); }

int kill(Invocation& in) {
    std::string signal;
    in.flags.text("signal,s", signal, "Signal to send (default KILL)");
    const auto names = in.parse();
    client::Query query;
    if (!signal.empty()) query.add("signal", signal);
    return for_each_name(names, [&](const std::string& name) {
        in.engine().call("POST", container_path(name, "kill") + query.str());
        print_line(name);
    });
}

int rm(Invocation& in) {
    bool force = false;
    bool volumes = false;
    bool link = false;
    in.flags.toggle("force,f", force, "Kill running containers first");
    in.flags.toggle("volumes,v", volumes, "Remove their anonymous volumes, too");
    in.flags.toggle("link,l", link, "Remove only the link of this name");
    const auto names = in.parse();
    client::Query query;
    query.flag("v", volumes).flag("link", link).flag("force", force);
    bool failed = false;
    for_each_name(names, [&](const std::string& name) {
        try {
            in.engine().call("DELETE", container_path(name, "") + query.str());
            print_line(name);
        } catch (const client::ApiError& error) {
            failed =
                failed || !force || error.status() != 404;  // with -f, gone is as good as removed
            throw;
        }
    });
    return failed ? 1 : 0;
}

int rename(Invocation& in) {
    const auto names = in.parse();
    try {
        in.engine().call("POST", container_path(names[0], "rename") +
                                     client::Query().add("name", names[1]).str());
    } catch (const client::ApiError& error) {
        throw Failure(1, fmt::format("{}\nError: failed to rename container named {}",
                                     error.message(), names[0]));
    }
    return 0;
}

int wait(Invocation& in) {
    return for_each_name(in.parse(), [&](const std::string& name) {
        client::Exchange answer = begin_wait(in.engine(), name, "not-running");
        print_line(std::to_string(exit_code_of(answer)));
        flush_output();
    });
}

int container_prune(Invocation& in) {
    bool force = false;
    std::vector<std::string> filters;
    in.flags.toggle("force,f", force, "Do not ask");
    declare_filters(in.flags, "filter", filters, "Only those that match (until=…, label=…)");
    in.parse();
    if (!force && !confirm("WARNING! This will remove all stopped containers.\nAre you sure you "
                           "want to continue?")) {
        return 0;
    }
    print_reclaimed(prune_containers(in.engine(), filters));
    return 0;
}

}  // namespace brig::cli
