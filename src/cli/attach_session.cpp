// See attach_session.h.
#include "cli/attach_session.h"

#include "cli/detach_keys.h"
#include "cli/json.h"

namespace brig::cli {

std::string container_path(std::string_view container, std::string_view what) {
    std::string path = "/containers/" + client::encode(container);
    if (!what.empty()) path += "/" + std::string(what);
    return path;
}

client::Exchange begin_attach(client::Client& engine, const AttachWish& wish, bool logs) {
    client::Query query;
    query.flag("stream", true)
        .flag("stdin", wish.in)
        .flag("stdout", wish.out)
        .flag("stderr", wish.err);
    query.flag("logs", logs);
    if (!wish.detach_keys.empty()) query.add("detachKeys", wish.detach_keys);
    return engine.begin_hijack(container_path(wish.container, "attach") + query.str());
}

client::Exchange begin_wait(client::Client& engine, const std::string& container,
                            std::string_view condition) {
    client::Query query;
    query.add("condition", condition);
    return engine.begin("POST", container_path(container, "wait") + query.str());
}

int exit_code_of(client::Exchange& wait) {
    const Json answer = parse_json(wait.read_all());
    const std::string failure = text_of(at_path(answer, "Error"), "Message");
    if (!failure.empty()) throw Error(ErrorKind::internal, "{}", failure);
    return static_cast<int>(number_of(answer, "StatusCode", 125));
}

StreamPlan plan_for(client::Client& engine, const AttachWish& wish) {
    const std::string keys =
        wish.detach_keys.empty() ? std::string(default_detach_keys) : wish.detach_keys;
    StreamPlan plan{.tty = wish.tty, .input = wish.in, .detach_keys = parse_detach_keys(keys)};
    const auto tell = [&engine, container = wish.container](const std::string& what) {
        try {
            engine.call("POST", container_path(container, what));
        } catch (const client::ApiError&) {
            // The container has just ended or not yet started: its exit code tells the user.
        }
    };
    if (wish.tty) {
        plan.resize = [tell](os::WindowSize size) {
            tell(fmt::format("resize?h={}&w={}", size.rows, size.columns));
        };
    } else if (wish.proxy_signals) {
        plan.signal = [tell](int signal) { tell("kill?signal=" + signal_name(signal)); };
    }
    return plan;
}

}  // namespace brig::cli
