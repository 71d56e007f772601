// See process_io.h.
#include "shim/process_io.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "os/pty.h"

namespace brig::shim {
namespace {

/// How long after its end a process's output is waited for when others still hold the pipe
/// (docker: two seconds as well).
constexpr std::chrono::milliseconds linger(2000);
/// A pipe holds 64 KiB by default and 1 MiB at most.
constexpr int pumps_at_end = 32;

void set_nonblocking(const Fd& fd) {
    const int flags = ::fcntl(fd.get(), F_GETFL);
    if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) != 0)
        throw SysError("set pipe non-blocking");
}

std::string_view name_of(Channel channel) { return channel == Channel::out ? "stdout" : "stderr"; }

}  // namespace

ProcessIo::Source::Source(ProcessIo& owner, Fd fd, Channel which)
    : owner_(owner), fd_(std::move(fd)), channel_(which) {
    set_nonblocking(fd_);
    watch_ = std::make_unique<os::Watch>(owner_.loop_.poller, fd_, *this,
                                         os::Interest{.readable = true});
}

void ProcessIo::Source::on_ready(os::Ready) {
    pump();
    if (at_end()) owner_.source_ended(channel_);
}

bool ProcessIo::Source::pump() {
    if (at_end()) return false;
    const std::span<char> buffer = owner_.loop_.scratch;
    const ssize_t n = ::read(fd_.get(), buffer.data(), buffer.size());
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (n > 0) {
        owner_.take(channel_, {buffer.data(), static_cast<std::size_t>(n)});
        return true;
    }
    // A terminal whose other side is closed fails with EIO.
    watch_.reset();
    fd_.reset();
    return false;
}

void ProcessIo::Source::pause(bool paused) {
    if (watch_) watch_->set({.readable = !paused});
}

ProcessIo::Sink::Sink(ProcessIo& owner, Fd fd) : owner_(owner), fd_(std::move(fd)) {
    set_nonblocking(fd_);
    watch_ = std::make_unique<os::Watch>(owner_.loop_.poller, fd_, *this, os::Interest{});
}

void ProcessIo::Sink::write(std::string_view data) {
    if (!fd_) return;
    pending_ += data;
    on_ready({.writable = true});
}

void ProcessIo::Sink::on_ready(os::Ready) {
    while (!pending_.empty()) {
        const ssize_t n = ::write(fd_.get(), pending_.data(), pending_.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) break;
        if (n < 0) {  // the process has closed its stdin
            close();
            break;
        }
        pending_.erase(0, static_cast<std::size_t>(n));
    }
    if (pending_.empty()) std::string().swap(pending_);
    if (closing_ && pending_.empty()) close();
    if (watch_) watch_->set({.writable = busy()});
    owner_.regulate();
}

void ProcessIo::Sink::close_when_written() {
    closing_ = true;
    if (pending_.empty()) close();
}

void ProcessIo::Sink::close() {
    watch_.reset();
    fd_.reset();
    pending_.clear();
}

ProcessIo::~ProcessIo() { loop_.poller.cancel(deadline_); }

runtime::Stdio ProcessIo::prepare(const IoOptions& options) {
    options_ = options;
    if (!options.log.path.empty()) log_ = std::make_unique<LogFile>(options.log);
    runtime::Stdio stdio;
    if (options.terminal) return stdio;
    if (options.open_stdin) {
        auto [theirs, ours] = make_pipe();
        stdio.in = std::move(theirs);
        stdin_end_ = std::move(ours);
    }
    auto [out_ours, out_theirs] = make_pipe();
    auto [err_ours, err_theirs] = make_pipe();
    stdio.out = std::move(out_theirs);
    stdio.err = std::move(err_theirs);
    stdout_end_ = std::move(out_ours);
    stderr_end_ = std::move(err_ours);
    return stdio;
}

void ProcessIo::begin(Fd console) {
    if (options_.terminal) {
        if (!console)
            throw Error(ErrorKind::invalid_argument,
                        "a terminal was asked for, but the process has none");
        if (options_.open_stdin) stdin_end_ = console.duplicate();
        stdout_end_ = std::move(console);
    }
    if (stdin_end_) in_ = std::make_unique<Sink>(*this, std::move(stdin_end_));
    out_ = std::make_unique<Source>(*this, std::move(stdout_end_), Channel::out);
    if (stderr_end_) err_ = std::make_unique<Source>(*this, std::move(stderr_end_), Channel::err);
    begun_ = true;
    regulate();
}

void ProcessIo::attach(Hijacked connection, AttachOptions options) {
    clients_.push_back(std::make_unique<Attachment>(loop_.poller, *this, std::move(connection),
                                                    std::move(options)));
    regulate();
    if (complete_) clients_.back()->finish();
    sweep();
}

void ProcessIo::take(Channel channel, std::string_view data) {
    if (log_) log_->write(name_of(channel), data, now());
    for (const auto& client : clients_) client->write(channel, data, !options_.terminal);
    sweep();
    if (std::ranges::any_of(clients_, &Attachment::congested)) regulate();
}

void ProcessIo::source_ended(Channel channel) {
    if (log_) log_->end(name_of(channel));
    if (done_ && drained()) complete();
}

void ProcessIo::on_input(std::string_view data) {
    if (in_) in_->write(data);
}

void ProcessIo::on_input_end() {
    if (options_.stdin_once) close_stdin();
}

void ProcessIo::close_stdin() {
    // Closing one descriptor of a terminal ends nothing; its programs see ends of input as ^D.
    if (in_ && !options_.terminal) in_->close_when_written();
}

void ProcessIo::on_gone(Attachment&) {
    sweep();
    regulate();
    if (clients_.empty() && on_deserted) {
        const auto deserted = std::exchange(on_deserted, {});  // outlives this
        deserted();
    }
}

void ProcessIo::sweep() {
    std::erase_if(clients_, [](const auto& client) { return client->ended(); });
}

void ProcessIo::regulate() {
    const bool full = std::ranges::any_of(clients_, &Attachment::congested);
    if (out_) out_->pause(full);
    if (err_) err_->pause(full);
    // Without a stdin what clients send is read and dropped.
    const bool accept = begun_ && (!in_ || !in_->busy());
    for (std::size_t i = 0; i < clients_.size(); ++i) clients_[i]->accept_input(accept);
}

void ProcessIo::resize(ConsoleSize size) {
    if (!options_.terminal || !out_ || out_->at_end()) {
        throw Error(ErrorKind::failed_precondition, "process has no terminal");
    }
    os::set_window_size(out_->fd().get(), size.height, size.width);
}

bool ProcessIo::drained() const { return (!out_ || out_->at_end()) && (!err_ || err_->at_end()); }

void ProcessIo::finish(std::function<void()> done) {
    done_ = std::move(done);
    for (Source* source : {out_.get(), err_.get()}) {
        if (source == nullptr || source->at_end()) continue;
        for (int i = 0; i < pumps_at_end && source->pump(); ++i) {
        }
        if (source->at_end() && log_)
            log_->end(name_of(source == out_.get() ? Channel::out : Channel::err));
    }
    if (drained()) return complete();
    deadline_ = loop_.poller.call_after(linger, [this] { complete(); });
}

void ProcessIo::complete() {
    loop_.poller.cancel(std::exchange(deadline_, 0));
    if (std::exchange(complete_, true)) return;
    in_.reset();
    for (const auto& client : clients_) client->finish();
    sweep();
    std::exchange(done_, {})();
}

}  // namespace brig::shim
