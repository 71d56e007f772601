// See stream.h.
#include "cli/stream.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>

#include "cli/command.h"
#include "cli/detach_keys.h"
#include "cli/multiplex.h"
#include "cli/output.h"

namespace brig::cli {
namespace {

constexpr std::size_t high_water = 256U << 10U;
constexpr std::size_t pipe_atom = 4096;  // what poll promises a pipe will take
constexpr int drain_milliseconds = 2000;

std::vector<int> caught_signals() {
    auto signals = forwarded_signals();
    signals.push_back(SIGWINCH);
    return signals;
}

/// What the container has said and we have still to write: in the order in which it was said,
/// since both streams may well be the same terminal or file.
class Outbox {
public:
    void add(bool to_err, std::string_view text) {
        const int fd = to_err ? STDERR_FILENO : STDOUT_FILENO;
        if (segments_.empty() || segments_.back().fd != fd) segments_.push_back({fd, {}});
        segments_.back().text += text;
        size_ += text.size();
    }
    [[nodiscard]] bool empty() const { return segments_.empty(); }
    [[nodiscard]] std::size_t size() const { return size_; }
    /// The descriptor that is written to next.
    [[nodiscard]] int fd() const { return segments_.front().fd; }

    void write_some() {
        const std::string& text = segments_.front().text;
        const auto n =
            ::write(fd(), text.data() + position_, std::min(pipe_atom, text.size() - position_));
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
        if (n < 0 && errno == EPIPE) throw OutputClosed{};
        if (n < 0) throw SysError("write the container's output");
        position_ += static_cast<std::size_t>(n);
        size_ -= static_cast<std::size_t>(n);
        if (position_ < text.size()) return;
        segments_.pop_front();
        position_ = 0;
    }
    /// Most output fits at once: no turn of the loop for it.
    void write_what_fits() {
        while (!empty()) {
            pollfd probe{.fd = fd(), .events = POLLOUT};
            if (::poll(&probe, 1, 0) <= 0) return;
            write_some();
        }
    }

private:
    struct Segment {
        int fd;
        std::string text;
    };
    std::deque<Segment> segments_;
    std::size_t position_ = 0;  ///< in the first segment
    std::size_t size_ = 0;
};

}  // namespace

/// The state of one run of the loop.
class Stream::Pump {
public:
    Pump(Stream& stream, client::Hijacked connection)
        : stream_(stream),
          plan_(stream.plan_),
          socket_(std::move(connection.socket)),
          watcher_(plan_.detach_keys),
          reading_input_(plan_.input) {
        deliver(connection.early);
    }

    StreamEnd run() {
        while (!finished()) {
            prepare();
            const int timeout = ended_ && out_.empty() ? drain_milliseconds : -1;
            const int ready = ::poll(fds_.data(), fds_.size(), timeout);
            if (ready < 0 && errno != EINTR) throw SysError("poll");
            if (ready == 0) break;
            if (ready > 0) serve();
            if (detached_) return StreamEnd::detached;
        }
        return StreamEnd::closed;
    }

private:
    enum Slot { signal_slot, input_slot, socket_slot, out_slot, ended_slot, slot_count };

    [[nodiscard]] bool finished() const { return engine_closed_ && out_.empty(); }

    void watch(Slot slot, bool wanted, int fd, short events) {
        fds_[slot] = {.fd = wanted ? fd : -1, .events = events, .revents = 0};
    }

    void prepare() {
        const bool room = out_.size() < high_water;
        const short socket_events = static_cast<short>((room && !engine_closed_ ? POLLIN : 0) |
                                                       (to_engine_.empty() ? 0 : POLLOUT));
        watch(signal_slot, true, stream_.signals_.fd(), POLLIN);
        watch(input_slot, reading_input_ && to_engine_.size() < high_water, STDIN_FILENO, POLLIN);
        watch(socket_slot, socket_events != 0, socket_.get(), socket_events);
        watch(out_slot, !out_.empty(), out_.empty() ? -1 : out_.fd(), POLLOUT);
        watch(ended_slot, plan_.ended_fd >= 0 && !ended_, plan_.ended_fd, POLLIN);
    }

    void serve() {
        if (fds_[signal_slot].revents != 0) stream_.take_signals();
        if (fds_[out_slot].revents != 0) out_.write_some();
        if ((fds_[socket_slot].revents & POLLOUT) != 0) write_to_engine();
        if ((fds_[socket_slot].revents & (POLLIN | POLLHUP | POLLERR)) != 0) read_from_engine();
        if (fds_[input_slot].revents != 0) read_input();
        if (fds_[ended_slot].revents != 0) ended_ = true;
    }

    void read_input() {
        std::array<char, 16384> buffer{};
        const auto n = ::read(STDIN_FILENO, buffer.data(), buffer.size());
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
        if (n > 0) {
            detached_ = watcher_.feed({buffer.data(), static_cast<std::size_t>(n)}, to_engine_);
        } else {
            reading_input_ = false;
            half_close_ = true;
        }
        write_to_engine();
    }

    void write_to_engine() {
        while (!to_engine_.empty()) {
            const auto n = ::send(socket_.get(), to_engine_.data(), to_engine_.size(),
                                  MSG_NOSIGNAL | MSG_DONTWAIT);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
            if (n < 0) {  // nobody reads our input any more; output may still come
                to_engine_.clear();
                reading_input_ = false;
                return;
            }
            to_engine_.erase(0, static_cast<std::size_t>(n));
        }
        if (half_close_) ::shutdown(socket_.get(), SHUT_WR);
        half_close_ = false;
    }

    void read_from_engine() {
        std::array<char, 65536> buffer;
        const auto n = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (n <= 0) {
            engine_closed_ = true;
            return;
        }
        deliver({buffer.data(), static_cast<std::size_t>(n)});
        out_.write_what_fits();
    }

    void deliver(std::string_view data) {
        if (plan_.tty)
            out_.add(false, data);
        else
            demultiplexer_.feed(
                data, [this](bool to_err, std::string_view text) { out_.add(to_err, text); });
    }

    Stream& stream_;
    const StreamPlan& plan_;
    Fd socket_;
    DetachWatcher watcher_;
    Demultiplexer demultiplexer_;
    Outbox out_;
    std::string to_engine_;
    std::array<pollfd, slot_count> fds_{};
    bool reading_input_;
    bool half_close_ = false;
    bool engine_closed_ = false;
    bool detached_ = false;
    bool ended_ = false;
};

Stream::Stream(StreamPlan plan) : plan_(std::move(plan)), signals_(caught_signals()) {
    if (plan_.tty && plan_.input && os::is_terminal(STDIN_FILENO))
        raw_.emplace(STDIN_FILENO);
    else
        plan_.detach_keys.clear();
}

Stream::~Stream() = default;

void Stream::announce_size() {
    const auto size = os::window_size(STDIN_FILENO);
    if (size && plan_.resize) plan_.resize(*size);
}

StreamEnd Stream::run(client::Hijacked connection) {
    flush_output();
    return Pump(*this, std::move(connection)).run();
}

void Stream::await_readable(int fd) {
    for (;;) {
        std::array<pollfd, 2> fds{
            {{.fd = fd, .events = POLLIN}, {.fd = signals_.fd(), .events = POLLIN}}};
        if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) throw SysError("poll");
        if (fds[1].revents != 0) take_signals();
        if (fds[0].revents != 0) return;
    }
}

void Stream::take_signals() {
    while (const auto signal = signals_.next()) {
        if (*signal == SIGWINCH) {
            announce_size();
        } else if (plan_.signal) {
            plan_.signal(*signal);
        } else {
            throw Failure(128 + *signal, "");
        }
    }
}

}  // namespace brig::cli
