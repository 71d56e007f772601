// How a forked child tells its parent that it is ready, or why it is not: exceptions do not cross
// fork, so they are sent as packets and thrown again on the other side.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/fd.h"

namespace brig::os {

/// The two ends of a sequenced-packet socket pair.
class ChildReport {
public:
    struct Ends;
    static Ends make();
    explicit ChildReport(Fd socket) : socket_(std::move(socket)) {}
    [[nodiscard]] int fd() const { return socket_.get(); }

    // The child's side. Failures to send end the child: nobody is there to listen.
    /// `descriptor` ≥ 0 is passed along (a terminal's master).
    void ready(int descriptor = -1) const;
    void fail(const Error& error) const;
    /// Another process goes on in this one's place; `process` is its pidfd.
    void successor(int process) const;
    /// Asks the parent to do its part and waits until it has.
    void rendezvous() const;

    // The parent's side.
    struct Message {
        enum class Kind { ready, rendezvous, successor, end } kind = Kind::end;
        Fd descriptor;
    };
    /// The next packet; `end` when the child has executed a program or died. Throws the child's
    /// error.
    [[nodiscard]] Message receive() const;
    void proceed() const;

private:
    Fd socket_;
};

struct ChildReport::Ends {
    ChildReport parent;
    ChildReport child;
};

/// Lets a failure of `action` reach the other end of `connection` in the same form.
void send_error(int connection, const Error& error);
/// Reads until end of file; throws the error received, if any.
void receive_outcome(int connection);

/// Lets who waits in receive_go() at the other end go on; `descriptor` ≥ 0 is passed along. Throws
/// when nobody is there any more.
void send_go(int connection, int descriptor = -1);
/// Waits for it. Nothing when the other end went away without.
std::optional<Fd> receive_go(int connection);

}  // namespace brig::os
