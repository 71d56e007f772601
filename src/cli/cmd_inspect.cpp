// inspect, for one kind of object or for whatever has the name.
#include <algorithm>

#include "cli/commands.h"
#include "cli/go_template.h"
#include "cli/listing.h"
#include "cli/output.h"
#include "cli/registry_request.h"

namespace brig::cli {
namespace {

struct Kind {
    std::string_view name;
    std::string_view prefix;
    std::string_view suffix;
};
constexpr Kind kinds[] = {
    {"container", "/containers/", "/json"},
    {"image", "/images/", "/json"},
    {"network", "/networks/", ""},
    {"volume", "/volumes/", ""},
};

Json look_up(client::Client& engine, const Kind& kind, const std::string& name, bool size) {
    std::string path = std::string(kind.prefix) + client::encode(name) + std::string(kind.suffix);
    if (size && kind.name == "container") path += "?size=1";
    return parse_json(engine.call("GET", path).body);
}

/// `type` empty: the first kind that has an object of this name.
Json look_up_any(client::Client& engine, const std::string& type, const std::string& name,
                 bool size) {
    for (const Kind& kind : kinds) {
        if (!type.empty() && kind.name != type) continue;
        try {
            return look_up(engine, kind, name, size);
        } catch (const client::ApiError& error) {
            if (error.status() != 404 || !type.empty()) throw;
        }
    }
    throw Error(ErrorKind::not_found, "Error: No such object: {}", name);
}

/// Prints what is found; failures come after it, as docker does.
int print_found(const std::vector<std::string>& names, const std::string& format,
                const std::function<Json(const std::string&)>& find) {
    Json found = Json::array();
    std::vector<std::string> failures;
    for (const auto& name : names) {
        try {
            Json object = find(name);
            if (format.empty()) {
                found.push_back(std::move(object));
                continue;
            }
            // Absent without a health check; to docker's templates it is nil then, no mistake.
            if (const auto state = object.find("State");
                state != object.end() && state->is_object())
                state->emplace("Health", nullptr);
            print_line(format_value(object, format));
        } catch (const client::ApiError& error) {
            failures.push_back(error.message());
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::not_found) throw;
            failures.push_back(error.message());
        }
    }
    if (format.empty()) print_line(pretty_json(found));
    for (const auto& failure : failures) print_error(failure);
    return failures.empty() ? 0 : 1;
}

/// A malformed template is wrong before anything is looked up.
void check_template(const std::string& format) {
    if (format.empty() || format == "json") return;
    try {
        const GoTemplate parsed(format);
    } catch (const Error& error) {
        throw Failure(64, "template parsing error: " + error.message());
    }
}

Json referrers_of(client::Client& engine, const std::string& name) {
    const auto answer =
        registry_call(engine, {"GET", distribution_path(name) + "/referrers", name});
    return at_path(parse_json(answer.body), "manifests");
}

int inspect_kind(Invocation& in, const std::string& type) {
    std::string format;
    std::string wanted = type;
    bool size = false, referrers = false;
    in.flags.text("format,f", format, "json, or a Go template");
    if (type.empty())
        in.flags.text("type", wanted, "Look only for a container, image, network or volume");
    if (type.empty() || type == "container")
        in.flags.toggle("size,s", size, "Add a container's sizes");
    if (type == "image")
        in.flags.toggle("referrers", referrers,
                        "Add what refers to the image in its registry (signatures, SBOMs)");
    const auto names = in.parse();
    const bool known =
        wanted.empty() || std::ranges::find(kinds, wanted, &Kind::name) != std::end(kinds);
    if (!known) throw Failure(1, fmt::format("\"{}\" is not a valid value for --type", wanted));
    check_template(format);
    return print_found(names, format, [&](const std::string& name) {
        Json found = look_up_any(in.engine(), wanted, name, size);
        if (referrers) found["Referrers"] = referrers_of(in.engine(), name);
        return found;
    });
}

}  // namespace

int inspect(Invocation& in) { return inspect_kind(in, ""); }
int container_inspect(Invocation& in) { return inspect_kind(in, "container"); }
int image_inspect(Invocation& in) { return inspect_kind(in, "image"); }
int network_inspect(Invocation& in) { return inspect_kind(in, "network"); }
int volume_inspect(Invocation& in) { return inspect_kind(in, "volume"); }

}  // namespace brig::cli
