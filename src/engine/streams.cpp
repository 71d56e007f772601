// A container's input and output: attach, logs, window size.
#include <poll.h>
#include <sys/socket.h>

#include <thread>

#include "base/log.h"
#include "engine/detach_keys.h"
#include "engine/impl.h"
#include "engine/log_reader.h"
#include "shim/client.h"

namespace brig::engine {
namespace {

/// Bytes from one to the other until the end of file; false when there will be no more.
bool pump(int from, int to, std::span<std::byte> buffer) {
    const auto got = read_some(from, buffer);
    if (got > 0) write_all(to, buffer.first(got));
    return got > 0;
}

/// Both ways until the container's side ends.
void relay(int client, int container) {
    std::vector<std::byte> buffer(32U << 10U);
    std::array<pollfd, 2> both{pollfd{client, POLLIN, 0}, pollfd{container, POLLIN, 0}};
    for (;;) {
        if (::poll(both.data(), both.size(), -1) < 0 && errno != EINTR) return;
        if (both[1].revents != 0 && !pump(container, client, buffer)) return;
        if (both[0].revents != 0 && !pump(client, container, buffer)) {
            ::shutdown(container, SHUT_WR);
            both[0].fd = -1;
        }
    }
}

/// The past from the log, then the present where wanted, as one stream.
Fd with_past(Fd present, LogReader past) {
    auto pair = make_socket_pair();
    std::thread([stream = std::move(present), client = std::move(pair.second),
                 past = std::move(past)]() mutable {
        try {
            past.run(client.get());
            if (stream) relay(client.get(), stream.get());
        } catch (const Error& e) {
            log::debug("attach: {}", e.message());
        }
    }).detach();
    return std::move(pair.first);
}

bool more_may_come(const Container& container) {
    const auto status = container.state().status;
    return status == Status::running || status == Status::paused || status == Status::restarting;
}

}  // namespace

Attached Engine::attach(const std::string& ref, const AttachQuery& query) {
    const auto container = impl_->table.find(ref);
    const Record record = container->snapshot();
    if (record.state.status == Status::paused) {
        throw Error(ErrorKind::conflict,
                    "container {} is paused, unpause the container before attach", container->id);
    }
    const bool tty = record.config.tty;
    Attached out{Fd(), tty};
    if (query.stream) {
        const bool in = query.in && record.config.open_stdin;
        const shim::AttachOptions options{
            in, query.out, query.err, tty ? parse_detach_keys(query.detach_keys) : std::string()};
        out.stream = impl_->parts.tasks->attach(container->id, "", options);
    }
    if (query.logs) {
        const LogQuery past{.out = query.out, .err = query.err};
        out.stream = with_past(std::move(out.stream), LogReader(impl_->log_of(container->id), past,
                                                                tty, [] { return false; }));
    }
    impl_->publish(record, "attach");
    if (!out.stream)
        throw Error(ErrorKind::invalid_argument, "neither stream nor logs were asked for");
    return out;
}

LogStream Engine::logs(const std::string& ref, const LogQuery& query) {
    const auto container = impl_->table.find(ref);
    const Record record = container->snapshot();
    if (!query.out && !query.err) {
        throw Error(ErrorKind::invalid_argument,
                    "Bad parameters: you must choose at least one stream");
    }
    if (record.host.log_config.type == "none") {
        throw Error(ErrorKind::not_implemented,
                    "configured logging driver does not support reading");
    }
    LogReader reader(impl_->log_of(container->id), query, record.config.tty,
                     [container] { return more_may_come(*container); });
    auto shared = std::make_shared<LogReader>(std::move(reader));
    return {record.config.tty, [shared](int sink) { shared->run(sink); }};
}

void Engine::resize(const std::string& ref, unsigned width, unsigned height) {
    const auto container = impl_->table.find(ref);
    if (!container->state().running()) throw not_running(*container);
    impl_->parts.tasks->resize(
        container->id, "", {static_cast<std::uint16_t>(width), static_cast<std::uint16_t>(height)});
    impl_->publish(container->snapshot(), "resize",
                   {{"width", std::to_string(width)}, {"height", std::to_string(height)}});
}

}  // namespace brig::engine
