// The engine put together, and its events.
#include "engine/engine.h"

#include <poll.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/log.h"
#include "engine/impl.h"
#include "engine/json_fields.h"
#include "engine/task_runner.h"
#include "network/network.h"
#include "shim/client.h"
#include "volume/store.h"

namespace brig::engine {

using nlohmann::json;

Engine::Impl::Impl(Parts from) : parts(std::move(from)), table(parts.settings.root / "meta.db") {
    make_directories(parts.settings.root / "containers", 0710);
    make_directories(parts.settings.run / "tasks", 0711);
    runner = std::make_unique<TaskRunner>(parts);
    recover();
    gate->engine = this;
    parts.tasks->subscribe({[gate = gate](const shim::TaskExit& exit) {
                                const std::lock_guard lock(gate->mutex);
                                if (gate->engine != nullptr) gate->engine->on_task_exit(exit);
                            },
                            [] { log::warn("the connection to brig-shim is lost"); },
                            [gate = gate] {
                                log::info("connected to brig-shim again");
                                const std::lock_guard lock(gate->mutex);
                                auto* engine = gate->engine;
                                if (engine != nullptr)
                                    engine->background.submit([engine] { engine->reconcile(); });
                            }});
}

Engine::Impl::~Impl() {
    // Exits that arrive from now on are delivered again to the next engine.
    {
        const std::lock_guard lock(gate->mutex);
        gate->engine = nullptr;
    }
    closing = true;
    timers.stop();
}

std::filesystem::path Engine::Impl::files_of(const std::string& id) const {
    return parts.settings.root / "containers" / id;
}

std::filesystem::path Engine::Impl::log_of(const std::string& id) const {
    return files_of(id) / (id + "-json.log");
}

std::filesystem::path Engine::Impl::bundle_of(const std::string& id) const {
    return parts.settings.run / "tasks" / id;
}

std::filesystem::path Engine::Impl::profiles() const { return parts.settings.run / "seccomp"; }

void Engine::Impl::publish(const Record& record, const std::string& action,
                           std::map<std::string, std::string> attributes) {
    attributes.insert(record.config.labels.begin(), record.config.labels.end());
    attributes["image"] = record.config.image;
    attributes["name"] = record.name;
    bus.publish({"container", action, record.id, std::move(attributes)});
}

Engine::Engine(Parts parts) : impl_(std::make_unique<Impl>(std::move(parts))) {}
Engine::~Engine() = default;

EventBus& Engine::events() { return impl_->bus; }

build::Runner& Engine::runner() { return *impl_->runner; }

Streamer Engine::event_stream(const EventQuery& query) {
    matches(Event{}, query.filters);  // an unknown filter is refused before the stream begins
    return [query, cursor = impl_->bus.subscribe(query.since)](int sink) mutable {
        constexpr auto patience = std::chrono::milliseconds(250);
        try {
            for (;;) {
                const auto event = cursor.next(patience);
                if (event && query.until && event->at > *query.until) return;
                if (event && matches(*event, query.filters))
                    write_all(sink, to_message(*event).dump() + "\n");
                if (!event && query.until && now() >= *query.until) return;
                pollfd reader{sink, 0, 0};
                if (::poll(&reader, 1, 0) > 0 && (reader.revents & (POLLERR | POLLHUP)) != 0)
                    return;
            }
        } catch (const SysError&) {
            // The reader has gone.
        }
    };
}

}  // namespace brig::engine
