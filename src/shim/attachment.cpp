// See attachment.h.
#include "shim/attachment.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>

namespace brig::shim {
namespace {

constexpr std::size_t congested_at = 256U << 10U;
constexpr std::size_t relieved_at = 64U << 10U;

std::array<char, 8> frame_header(Channel channel, std::size_t size) {
    return {static_cast<char>(channel),
            0,
            0,
            0,
            static_cast<char>(size >> 24U),
            static_cast<char>(size >> 16U),
            static_cast<char>(size >> 8U),
            static_cast<char>(size)};
}

}  // namespace

Attachment::Attachment(os::Poller& poller, AttachmentHost& host, Hijacked connection,
                       AttachOptions options)
    : poller_(poller),
      host_(host),
      socket_(std::move(connection.socket)),
      options_(std::move(options)),
      queue_(std::move(connection.unsent)),
      unread_(std::move(connection.unread)),
      input_ended_(!options_.in) {
    watch_ = std::make_unique<os::Watch>(poller_, socket_, *this, os::Interest{});
    update_interest();
}

bool Attachment::congested() const { return queue_.size() - sent_ > congested_at; }

void Attachment::write(Channel channel, std::string_view data, bool framed) {
    if (ended() || finished_ || peer_gone_ ||
        !(channel == Channel::out ? options_.out : options_.err))
        return;
    auto header = frame_header(channel, data.size());
    const std::size_t header_size = framed ? header.size() : 0;
    std::size_t written = 0;
    if (queue_.empty()) {
        std::array<iovec, 2> parts{iovec{header.data(), header_size},
                                   iovec{const_cast<char*>(data.data()), data.size()}};
        msghdr message{};
        message.msg_iov = parts.data();
        message.msg_iovlen = parts.size();
        const ssize_t n = ::sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR) return end();
        written = n < 0 ? 0 : static_cast<std::size_t>(n);
        if (written == header_size + data.size()) return;
    }
    if (written < header_size) queue_.append(header.data() + written, header_size - written);
    queue_ += data.substr(written > header_size ? written - header_size : 0);
    update_interest();
}

void Attachment::flush() {
    const ssize_t n = ::send(socket_.get(), queue_.data() + sent_, queue_.size() - sent_,
                             MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR) end();
        return;
    }
    sent_ += static_cast<std::size_t>(n);
    if (sent_ == queue_.size()) {
        std::string().swap(queue_);
        sent_ = 0;
        if (finished_) return end();
    } else if (sent_ > relieved_at) {
        queue_.erase(0, std::exchange(sent_, 0));
    }
    update_interest();
}

void Attachment::finish() {
    finished_ = true;
    if (!ended() && queue_.empty()) end();
}

void Attachment::end() {
    if (ended()) return;
    watch_.reset();
    // Closing with input unread would give the client a connection reset for its end of file; and
    // once both directions are shut none can arrive any more.
    ::shutdown(socket_.get(), SHUT_RDWR);
    std::array<char, 4096> rest;
    while (::recv(socket_.get(), rest.data(), rest.size(), MSG_DONTWAIT) > 0) {
    }
    socket_.reset();
    std::string().swap(queue_);
    sent_ = 0;
}

void Attachment::accept_input(bool accept) {
    if (ended() || accept == accepting_) return;
    accepting_ = accept;
    ever_accepted_ = ever_accepted_ || accept;
    if (accept && !unread_.empty()) deliver(std::exchange(unread_, {}));
    update_interest();
}

void Attachment::on_ready(os::Ready ready) {
    const bool was_congested = congested();
    const bool takes_input = accepting_ && !input_ended_;
    if (ready.writable) flush();
    if (!ended() && takes_input && (ready.readable || ready.hangup)) receive();
    if (!ended() && ready.hangup && !takes_input) on_hangup();
    if (was_congested && !congested()) host_.on_relieved();
    if (ended()) host_.on_gone(*this);  // destroys this
}

/// Nobody reads our output any more; but what the client wrote before it left may still wait in the
/// socket for a process that is slow to take it.
void Attachment::on_hangup() {
    if (input_ended_ || !ever_accepted_) return end();
    peer_gone_ = true;
    std::string().swap(queue_);
    sent_ = 0;
    update_interest();
}

void Attachment::receive() {
    std::array<char, 16384> buffer;
    const ssize_t n = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n > 0) return deliver({buffer.data(), static_cast<std::size_t>(n)});
    input_ended_ = true;
    update_interest();
    host_.on_input_end();
}

void Attachment::deliver(std::string_view data) {
    if (options_.detach_keys.empty()) return host_.on_input(data);
    const std::string input = without_detach_keys(data);
    if (!input.empty()) host_.on_input(input);
    if (keys_matched_ == options_.detach_keys.size()) end();
}

/// What of `data` goes to the process: all up to complete detach keys. A beginning of the keys is
/// held back until the next byte tells.
std::string Attachment::without_detach_keys(std::string_view data) {
    const std::string& keys = options_.detach_keys;
    std::string out;
    for (const char c : data) {
        if (c == keys[keys_matched_]) {
            if (++keys_matched_ == keys.size()) break;
            continue;
        }
        out.append(keys, 0, keys_matched_);
        keys_matched_ = c == keys[0] ? 1 : 0;
        if (keys_matched_ == 0) out += c;
    }
    return out;
}

void Attachment::update_interest() {
    if (ended()) return;
    const bool reading = accepting_ && !input_ended_;
    watch_->set({.readable = reading, .writable = !queue_.empty(), .hangup = !peer_gone_});
}

}  // namespace brig::shim
