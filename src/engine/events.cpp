// The ring, docker's message form, and the filters of `docker events`.
#include "engine/events.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/strings.h"

namespace brig::engine {

using nlohmann::json;

void EventBus::publish(Event event) {
    if (event.at == Instant{}) event.at = now();
    const std::lock_guard lock(mutex_);
    ring_.push_back(std::move(event));
    if (ring_.size() > ring_size) {
        ring_.pop_front();
        ++first_;
    }
    arrived_.notify_all();
}

EventBus::Cursor EventBus::subscribe(std::optional<Instant> since) {
    const std::lock_guard lock(mutex_);
    if (!since) return {*this, first_ + ring_.size()};
    const auto start =
        std::ranges::find_if(ring_, [&](const Event& event) { return event.at >= *since; });
    return {*this, first_ + static_cast<std::uint64_t>(start - ring_.begin())};
}

std::optional<Event> EventBus::Cursor::next(std::chrono::milliseconds patience) {
    std::unique_lock lock(bus_->mutex_);
    const auto here = [&] { return next_ < bus_->first_ + bus_->ring_.size(); };
    if (!bus_->arrived_.wait_for(lock, patience, here)) return std::nullopt;
    next_ = std::max(next_, bus_->first_);
    return bus_->ring_[static_cast<std::size_t>(next_++ - bus_->first_)];
}

json to_message(const Event& event) {
    const auto nanos = event.at.time_since_epoch().count();
    json attributes = json::object();
    for (const auto& [key, value] : event.attributes) attributes[key] = value;
    json out{{"Type", event.type},
             {"Action", event.action},
             {"Actor", {{"ID", event.id}, {"Attributes", std::move(attributes)}}},
             {"scope", "local"},
             {"time", nanos / 1'000'000'000},
             {"timeNano", nanos}};
    if (event.type == "container" || event.type == "image") {
        out["status"] = event.action;
        out["id"] = event.id;
        if (const auto image = event.attributes.find("image"); image != event.attributes.end()) {
            out["from"] = image->second;
        }
    }
    return out;
}

namespace {

std::string attribute(const Event& event, const std::string& name) {
    const auto found = event.attributes.find(name);
    return found == event.attributes.end() ? std::string() : found->second;
}

/// An object by id, id prefix or name.
bool names_object(const Event& event, const std::string& wanted) {
    return event.id == wanted || attribute(event, "name") == wanted ||
           (wanted.size() >= 4 && event.id.starts_with(wanted));
}

bool has_label(const Event& event, const std::string& wanted) {
    const auto [key, value] = split_once(wanted, '=');
    const auto found = event.attributes.find(key);
    return found != event.attributes.end() && (!value || found->second == *value);
}

bool matches_one(const Event& event, const std::string& key, const std::string& value) {
    if (key == "type") return event.type == value;
    if (key == "event") return event.action == value || event.action.starts_with(value + ":");
    if (key == "label") return has_label(event, value);
    if (key == "image") {
        const auto image = event.type == "image" ? event.id : attribute(event, "image");
        return image == value || attribute(event, "name") == value ||
               image.starts_with(value + ":");
    }
    if (key == "scope") return value == "local";
    return event.type == key && names_object(event, value);
}

}  // namespace

bool matches(const Event& event, const std::map<std::string, std::vector<std::string>>& filters) {
    constexpr std::array<std::string_view, 9> known{
        "type", "event", "container", "image", "volume", "label", "network", "scope", "daemon"};
    return std::ranges::all_of(filters, [&](const auto& filter) {
        const auto& [key, values] = filter;
        if (std::ranges::find(known, key) == known.end()) {
            throw Error(ErrorKind::invalid_argument, "invalid filter '{}'", key);
        }
        const auto one = [&](const std::string& value) { return matches_one(event, key, value); };
        // All labels must be there; of everything else one is enough.
        return key == "label" ? std::ranges::all_of(values, one)
                              : values.empty() || std::ranges::any_of(values, one);
    });
}

}  // namespace brig::engine
