// See event_stream.h.
#include "shim/event_stream.h"

#include <sys/socket.h>

#include <chrono>

#include "base/error.h"
#include "base/log.h"
#include "shim/wire.h"

namespace brig::shim {
namespace {

constexpr std::chrono::milliseconds retry_after(200);

}  // namespace

EventStream::EventStream(Connect connect, Callbacks callbacks)
    : connect_(std::move(connect)), callbacks_(std::move(callbacks)), thread_([this] { run(); }) {}

EventStream::~EventStream() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        if (socket_ >= 0) ::shutdown(socket_, SHUT_RDWR);
    }
    changed_.notify_all();
    thread_.join();
}

void EventStream::rest(bool resting) {
    {
        const std::lock_guard lock(mutex_);
        resting_ = resting;
    }
    changed_.notify_all();
}

bool EventStream::adopt(int socket) {
    const std::lock_guard lock(mutex_);
    socket_ = socket;
    return !stopping_;
}

bool EventStream::pause_before_retry(bool failed) {
    std::unique_lock lock(mutex_);
    if (failed) changed_.wait_for(lock, retry_after, [this] { return stopping_; });
    changed_.wait(lock, [this] { return stopping_ || !resting_; });
    return !stopping_;
}

void EventStream::run() {
    bool again = false;
    bool failed = false;
    while (pause_before_retry(failed)) {
        try {
            Channel channel = connect_();
            failed = false;
            if (again && callbacks_.on_reconnect) callbacks_.on_reconnect();
            if (adopt(channel.socket().get())) read_events(channel);
            if (!adopt(-1)) return;
            if (callbacks_.on_disconnect) callbacks_.on_disconnect();
        } catch (const std::exception& e) {
            failed = true;
            log::warn("events of brig-shim: {}", e.what());
        }
        again = true;
    }
}

void EventStream::read_events(Channel& channel) {
    if (!channel.send("brig.shim.v1.Shim", "Events", {}, true)) return;
    try {
        for (;;) {
            v1::Exit message;
            if (!message.ParseFromString(channel.receive())) continue;
            if (callbacks_.on_exit) callbacks_.on_exit(from_wire(message));
        }
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::unavailable) log::warn("events of brig-shim: {}", e.message());
    }
}

}  // namespace brig::shim
