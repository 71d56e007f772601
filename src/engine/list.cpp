// GET /containers/json: filters, the summary of each, and the sentence that `docker ps` shows.
#include "engine/list.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "engine/filters.h"
#include "engine/impl.h"
#include "network/inspect.h"
#include "network/network.h"
#include "volume/store.h"

namespace brig::engine {

using nlohmann::json;

/// Docker's units: the coarsest of which there are two or more.
std::string human_duration(std::chrono::nanoseconds elapsed) {
    using namespace std::chrono;
    const auto count = [](auto value, std::string_view unit) {
        return fmt::format("{} {}", value, unit);
    };
    const auto s = duration_cast<seconds>(elapsed).count();
    if (s < 1) return "Less than a second";
    if (s == 1) return "1 second";
    if (s < 60) return count(s, "seconds");
    const auto m = s / 60;
    if (m == 1) return "About a minute";
    if (m < 60) return count(m, "minutes");
    const auto h = (s + 1800) / 3600;
    if (h == 1) return "About an hour";
    if (h < 48) return count(h, "hours");
    if (h < 24 * 7 * 2) return count(h / 24, "days");
    if (h < 24 * 30 * 2) return count(h / 24 / 7, "weeks");
    if (h < 24 * 365 * 2) return count(h / 24 / 30, "months");
    return count(h / 24 / 365, "years");
}

namespace {

std::string health_note(const State& state) {
    if (!state.health) return "";
    const auto& status = state.health->status;
    return status == "starting" ? " (health: starting)" : " (" + status + ")";
}

}  // namespace

std::string status_sentence(const State& state, Instant at) {
    const auto since = [&](const std::optional<Instant>& then) {
        return human_duration(at - then.value_or(at));
    };
    switch (state.status) {
        case Status::running: return "Up " + since(state.started_at) + health_note(state);
        case Status::paused: return "Up " + since(state.started_at) + " (Paused)";
        case Status::restarting:
            return fmt::format("Restarting ({}) {} ago", state.exit_code, since(state.finished_at));
        case Status::removing: return "Removal In Progress";
        case Status::dead: return "Dead";
        case Status::created: return "Created";
        case Status::exited: break;
    }
    return fmt::format("Exited ({}) {} ago", state.exit_code, since(state.finished_at));
}

namespace {

/// As `docker ps` quotes it.
std::string command_text(const Strings& line) {
    std::string out;
    for (const auto& word : line) {
        if (!out.empty()) out += ' ';
        const bool plain = word.find_first_of(" \t\n'\"") == std::string::npos && !word.empty();
        out += plain || &word == &line.front() ? word : "'" + word + "'";
    }
    return out;
}

bool matches_ancestor(const Record& record, const std::string& value, const image::Store& images) {
    if (record.config.image == value || record.image_id == value ||
        record.image_id == "sha256:" + value)
        return true;
    try {
        return images.resolve(value).id.str() == record.image_id;
    } catch (const Error&) {
        return false;
    }
}

bool uses_volume(const Record& record, const std::string& value) {
    return std::ranges::any_of(record.mounts, [&](const auto& mount) {
        return mount.name == value || mount.destination == value || mount.source == value;
    });
}

bool has_port(const PortMap& ports, const StringSet& exposed, const std::string& value) {
    const std::string wanted = value.find('/') == std::string::npos ? value + "/tcp" : value;
    return ports.contains(wanted) || exposed.contains(wanted);
}

void check_keys(const Filters& filters) {
    constexpr std::array<std::string_view, 16> known{
        "id",    "name",    "label",   "status", "ancestor", "exited",  "volume",    "before",
        "since", "network", "publish", "expose", "health",   "is-task", "isolation", "label!"};
    for (const auto& [key, values] : filters) {
        if (std::ranges::find(known, key) == known.end()) {
            throw Error(ErrorKind::invalid_argument, "invalid filter '{}'", key);
        }
    }
    const auto status = filters.find("status");
    if (status == filters.end()) return;
    constexpr std::array<std::string_view, 7> states{"created",  "running", "paused", "restarting",
                                                     "removing", "exited",  "dead"};
    for (const auto& value : status->second) {
        if (std::ranges::find(states, value) == states.end()) {
            throw Error(ErrorKind::invalid_argument, "invalid filter 'status={}'", value);
        }
    }
}

/// What a container has written; nothing where somebody is removing it just now: that is no reason
/// to refuse the whole list.
std::uint64_t own_bytes(snapshot::Snapshotter& snapshots, const std::string& key) {
    try {
        return snapshots.usage(key).bytes;
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::not_found) throw;
        return 0;
    }
}

}  // namespace

bool matches_container(const Record& record, const Filters& filters, const image::Store& images) {
    const auto& state = record.state;
    const auto mode = record.network();
    return passes(filters, "id", [&](const auto& v) { return record.id.starts_with(v); }) &&
           passes(filters, "name", [&](const auto& v) { return name_matches(record.name, v); }) &&
           passes(filters, "status", [&](const auto& v) { return to_string(state.status) == v; }) &&
           passes(filters, "exited",
                  [&](const auto& v) {
                      return state.status == Status::exited && std::to_string(state.exit_code) == v;
                  }) &&
           passes(filters, "ancestor",
                  [&](const auto& v) { return matches_ancestor(record, v, images); }) &&
           passes(filters, "volume", [&](const auto& v) { return uses_volume(record, v); }) &&
           passes(filters, "network", [&](const auto& v) { return mode == v; }) &&
           passes(filters, "publish",
                  [&](const auto& v) { return has_port(record.host.port_bindings, {}, v); }) &&
           passes(filters, "expose",
                  [&](const auto& v) { return has_port({}, record.config.exposed_ports, v); }) &&
           passes(filters, "health",
                  [&](const auto& v) {
                      return v == (state.health ? state.health->status : "none");
                  }) &&
           passes(filters, "is-task", [&](const auto& v) { return v == "false" || v == "0"; }) &&
           matches_labels(record.config.labels, filters);
}

bool name_matches(const std::string& name, std::string_view pattern) {
    // Docker takes a regular expression; clients send a part of a name, or one between ^/ and $.
    const bool from_start = pattern.starts_with('^');
    if (from_start) pattern.remove_prefix(1);
    const bool to_end = pattern.ends_with('$');
    if (to_end) pattern.remove_suffix(1);
    if (pattern.starts_with('/')) pattern.remove_prefix(1);
    if (from_start && to_end) return name == pattern;
    if (from_start) return name.starts_with(pattern);
    if (to_end) return name.ends_with(pattern);
    return name.find(pattern) != std::string::npos;
}

json Engine::Impl::summary(const Record& record, bool size) {
    const auto endpoint =
        parts.networks && record.state.running() ? parts.networks->find(record.id) : std::nullopt;
    const Strings exposed(record.config.exposed_ports.begin(), record.config.exposed_ports.end());
    const std::string mode = record.network();
    json mounts = json::array();
    for (const auto& mount : record.mounts) {
        if (mount.type != "tmpfs") mounts.emplace_back(mount);
    }
    json settings = network::network_settings_json(endpoint ? &*endpoint : nullptr, mode, "", {});
    json out{{"Id", record.id},
             {"Names", Strings{"/" + record.name}},
             {"Image", record.config.image},
             {"ImageID", record.image_id},
             {"Command", command_text(record.command_line())},
             {"Created",
              std::chrono::duration_cast<std::chrono::seconds>(record.created.time_since_epoch())
                  .count()},
             {"Ports", record.state.running()
                           ? network::port_summary_json(endpoint ? &*endpoint : nullptr, exposed)
                           : json::array()},
             {"Labels", record.config.labels},
             {"State", to_string(record.state.status)},
             {"Status", status_sentence(record.state, now())},
             {"HostConfig", {{"NetworkMode", mode}}},
             {"NetworkSettings", {{"Networks", settings.value("Networks", json::object())}}},
             {"Mounts", std::move(mounts)}};
    if (size) {
        const auto own = own_bytes(*parts.snapshots, snapshot_of(record.id));
        const auto image = parts.images->find(Digest::parse(record.image_id));
        out["SizeRw"] = own;
        out["SizeRootFs"] = own + (image ? image->size : 0);
    }
    return out;
}

json Engine::list(const ListQuery& query) {
    check_keys(query.filters);
    const auto border = [&](const char* key) -> std::optional<Instant> {
        const auto found = query.filters.find(key);
        if (found == query.filters.end() || found->second.empty()) return std::nullopt;
        return impl_->table.find(found->second.front())->created;
    };
    const auto before = border("before");
    const auto since = border("since");
    const bool all = query.all || query.limit > 0 || query.filters.contains("status") ||
                     query.filters.contains("exited");
    json out = json::array();
    for (const auto& container : impl_->table.all()) {
        if (query.limit > 0 && out.size() >= static_cast<std::size_t>(query.limit)) break;
        if (before && container->created >= *before) continue;
        if (since && container->created <= *since) continue;
        const Record record = container->snapshot();
        const bool live = record.state.running() || record.state.status == Status::restarting;
        if (!all && !live) continue;
        if (!matches_container(record, query.filters, *impl_->parts.images)) continue;
        out.push_back(impl_->summary(record, query.size));
    }
    return out;
}

}  // namespace brig::engine
