#include "os/linux/netlink.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <exception>

#include "base/error.h"

namespace brig::os::linux_net {
namespace {

constexpr std::size_t aligned(std::size_t size) { return NLMSG_ALIGN(size); }

/// The kernel's sentence for a refusal (NETLINK_EXT_ACK), or "".
std::string extended_text(const nlmsghdr& message) {
    if ((message.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return {};
    // NETLINK_CAP_ACK keeps the request itself out of the answer: the attributes follow nlmsgerr.
    std::string text;
    for_each_attribute(
        message, sizeof(nlmsgerr), [&](std::uint16_t type, std::span<const std::byte> value) {
            if (type == NLMSGERR_ATTR_MSG && !value.empty()) {
                text.assign(reinterpret_cast<const char*>(value.data()), value.size() - 1);
            }
        });
    return text;
}

}  // namespace

void NetlinkBatch::append(std::span<const std::byte> bytes) {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    buffer_.resize(aligned(buffer_.size()));
}

void NetlinkBatch::grow_message() {
    const auto length = static_cast<std::uint32_t>(buffer_.size() - message_);
    std::memcpy(buffer_.data() + message_ + offsetof(nlmsghdr, nlmsg_len), &length, sizeof(length));
}

void NetlinkBatch::begin_bytes(std::uint16_t type, std::uint16_t flags,
                               std::span<const std::byte> header, std::string what) {
    message_ = buffer_.size();
    nlmsghdr head{};
    head.nlmsg_type = type;
    // A dump ends with NLMSG_DONE; everything else is to be acknowledged.
    const int acknowledge = (flags & NLM_F_DUMP) == NLM_F_DUMP ? 0 : NLM_F_ACK;
    head.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags | acknowledge);
    append(std::as_bytes(std::span(&head, 1)));
    append(header);
    grow_message();
    what_.push_back(std::move(what));
}

void NetlinkBatch::attribute(std::uint16_t type, std::span<const std::byte> value) {
    const rtattr head{static_cast<std::uint16_t>(RTA_LENGTH(value.size())), type};
    append(std::as_bytes(std::span(&head, 1)));
    append(value);
    grow_message();
}

void NetlinkBatch::attribute_u32(std::uint16_t type, std::uint32_t value) {
    attribute(type, std::as_bytes(std::span(&value, 1)));
}

void NetlinkBatch::attribute_u8(std::uint16_t type, std::uint8_t value) {
    attribute(type, std::as_bytes(std::span(&value, 1)));
}

void NetlinkBatch::attribute_text(std::uint16_t type, std::string_view value) {
    const std::string terminated(value);
    attribute(type, std::as_bytes(std::span(terminated.c_str(), terminated.size() + 1)));
}

void NetlinkBatch::raw(std::span<const std::byte> value) {
    append(value);
    grow_message();
}

std::size_t NetlinkBatch::open(std::uint16_t type) {
    const auto nest = buffer_.size();
    attribute(type, {});
    return nest;
}

void NetlinkBatch::close(std::size_t nest) {
    const auto length = static_cast<std::uint16_t>(buffer_.size() - nest);
    std::memcpy(buffer_.data() + nest + offsetof(rtattr, rta_len), &length, sizeof(length));
}

NetlinkSocket NetlinkSocket::open() {
    Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!fd) throw SysError("open a netlink socket");
    const int on = 1;
    // Older kernels refuse these; then errors are plain numbers.
    (void)::setsockopt(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
    (void)::setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
    return NetlinkSocket(std::move(fd));
}

void NetlinkSocket::send(NetlinkBatch& batch) {
    auto* const data = batch.buffer_.data();
    for (std::size_t at = 0; at < batch.buffer_.size();) {
        auto* const head = reinterpret_cast<nlmsghdr*>(data + at);
        head->nlmsg_seq = ++sequence_;
        at += aligned(head->nlmsg_len);
    }
    const auto sent = ::send(fd_.get(), data, batch.buffer_.size(), 0);
    if (sent < 0) throw SysError("{}: send to netlink", batch.what_.front());
}

void NetlinkSocket::collect(const NetlinkBatch& batch, bool tolerant,
                            const std::function<void(const nlmsghdr&)>* each) {
    const std::uint32_t first = sequence_ - static_cast<std::uint32_t>(batch.what_.size()) + 1;
    std::size_t open_requests = batch.what_.size();
    std::exception_ptr failure;
    const auto answered = [&](const nlmsghdr& message, int error) {
        --open_requests;
        if (error == 0 || failure) return;
        if (tolerant && (error == ENODEV || error == EEXIST)) return;
        auto what = batch.what_.at(message.nlmsg_seq - first);
        if (const auto text = extended_text(message); !text.empty()) what += ": " + text;
        failure = std::make_exception_ptr(SysError(error, what));
    };
    alignas(nlmsghdr) std::array<std::byte, 32768> buffer;
    while (open_requests > 0) {
        const auto size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) throw SysError("{}: receive from netlink", batch.what_.front());
        auto left = static_cast<unsigned>(size);
        for (const auto* at = reinterpret_cast<const nlmsghdr*>(buffer.data()); NLMSG_OK(at, left);
             at = NLMSG_NEXT(at, left)) {
            // Late answers to a request whose error was thrown already.
            if (at->nlmsg_seq - first >= batch.what_.size()) continue;
            if (at->nlmsg_type == NLMSG_ERROR) {
                answered(*at, -static_cast<const nlmsgerr*>(NLMSG_DATA(at))->error);
            } else if (at->nlmsg_type == NLMSG_DONE) {
                answered(*at, 0);
            } else if (each != nullptr) {
                (*each)(*at);
            }
        }
    }
    if (failure) std::rethrow_exception(failure);
}

void NetlinkSocket::run(NetlinkBatch batch) {
    if (batch.what_.empty()) return;
    send(batch);
    collect(batch, false, nullptr);
}

void NetlinkSocket::run_tolerant(NetlinkBatch batch) {
    if (batch.what_.empty()) return;
    send(batch);
    collect(batch, true, nullptr);
}

void NetlinkSocket::query(NetlinkBatch batch, const std::function<void(const nlmsghdr&)>& each) {
    send(batch);
    collect(batch, false, &each);
}

void for_each_attribute(
    const nlmsghdr& message, std::size_t header_size,
    const std::function<void(std::uint16_t, std::span<const std::byte>)>& each) {
    const auto offset = NLMSG_HDRLEN + aligned(header_size);
    if (message.nlmsg_len <= offset) return;
    auto left = static_cast<unsigned>(message.nlmsg_len - offset);
    const auto* at =
        reinterpret_cast<const rtattr*>(reinterpret_cast<const std::byte*>(&message) + offset);
    for (; RTA_OK(at, left); at = RTA_NEXT(at, left)) {
        each(at->rta_type & NLA_TYPE_MASK,
             {static_cast<const std::byte*>(RTA_DATA(at)), RTA_PAYLOAD(at)});
    }
}

}  // namespace brig::os::linux_net
