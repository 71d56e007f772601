// The little of rtnetlink that links, addresses and routes need: requests built into one buffer,
// sent with one system call, each answer checked with the kernel's own words for a refusal.
#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"

namespace brig::os::linux_net {

/// Requests in the order in which the kernel will carry them out.
class NetlinkBatch {
public:
    /// Begins a request; `what` says in an error what was tried ("add address … to …").
    /// `header` is its ifinfomsg, ifaddrmsg or rtmsg.
    template <typename Header>
    void begin(std::uint16_t type, std::uint16_t flags, const Header& header,
               const std::string& what) {
        begin_bytes(type, flags, std::as_bytes(std::span(&header, 1)), what);
    }
    void attribute(std::uint16_t type, std::span<const std::byte> value);
    void attribute_u32(std::uint16_t type, std::uint32_t value);
    void attribute_u8(std::uint16_t type, std::uint8_t value);
    /// With its terminating NUL.
    void attribute_text(std::uint16_t type, std::string_view value);
    /// A fixed header inside a nest (veth's peer has an ifinfomsg there).
    void raw(std::span<const std::byte> value);

    /// Returns what close() takes.
    [[nodiscard]] std::size_t open(std::uint16_t type);
    void close(std::size_t nest);

private:
    friend class NetlinkSocket;
    void begin_bytes(std::uint16_t type, std::uint16_t flags, std::span<const std::byte> header,
                     std::string what);
    void append(std::span<const std::byte> bytes);
    void grow_message();

    std::vector<std::byte> buffer_;
    std::size_t message_ = 0;
    std::vector<std::string> what_;
};

class NetlinkSocket {
public:
    /// Of the calling thread's network namespace, for ever.
    static NetlinkSocket open();

    /// Sends all and waits for every answer. Throws the first failure; those requests that did not
    /// fail have been carried out.
    void run(NetlinkBatch batch);
    /// As `run`, but what is not there (ENODEV) or there already (EEXIST) is no failure.
    void run_tolerant(NetlinkBatch batch);
    /// For RTM_GET requests: calls back with each answer's whole message.
    void query(NetlinkBatch batch, const std::function<void(const nlmsghdr&)>& each);

    [[nodiscard]] int descriptor() const { return fd_.get(); }

private:
    explicit NetlinkSocket(Fd fd) : fd_(std::move(fd)) {}
    void send(NetlinkBatch& batch);
    void collect(const NetlinkBatch& batch, bool tolerant,
                 const std::function<void(const nlmsghdr&)>* each);
    Fd fd_;
    std::uint32_t sequence_ = 0;
};

/// The attributes of a message after its fixed header of `header_size` bytes.
void for_each_attribute(
    const nlmsghdr& message, std::size_t header_size,
    const std::function<void(std::uint16_t type, std::span<const std::byte> value)>& each);

}  // namespace brig::os::linux_net
