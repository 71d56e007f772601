// A client attached to a process's stdio: a socket with output queued towards it and input read
// from it. Docker's hijack format: raw for a terminal, else frames of an 8-byte header (1 stdout,
// 2 stderr; three zeros; length in big-endian order) and data.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "os/poller.h"
#include "shim/rpc_server.h"
#include "shim/types.h"

namespace brig::shim {

enum class Channel : unsigned char { out = 1, err = 2 };

class Attachment;

/// The process's side.
class AttachmentHost {
public:
    virtual void on_input(std::string_view data) = 0;
    /// The client shut down its sending side, or is gone.
    virtual void on_input_end() = 0;
    /// The queue has become short again after congested().
    virtual void on_relieved() = 0;
    /// It is ended() and may be destroyed.
    virtual void on_gone(Attachment& attachment) = 0;

protected:
    ~AttachmentHost() = default;
};

class Attachment final : public os::Watcher {
public:
    Attachment(os::Poller& poller, AttachmentHost& host, Hijacked connection,
               AttachOptions options);
    Attachment(const Attachment&) = delete;
    Attachment& operator=(const Attachment&) = delete;

    /// Sends or queues output if the client wants this channel. May leave it ended().
    void write(Channel channel, std::string_view data, bool framed);
    /// Whether so much is queued that the process should not be read from for now.
    [[nodiscard]] bool congested() const;
    /// Input is taken only while accepted; initially not.
    void accept_input(bool accept);
    /// No output comes any more: after what is queued the client reads the end of file. May leave
    /// it ended().
    void finish();
    /// The client is gone, has detached itself, or has got everything after finish().
    [[nodiscard]] bool ended() const { return !socket_; }

private:
    void on_ready(os::Ready ready) override;
    void receive();
    void deliver(std::string_view data);
    std::string without_detach_keys(std::string_view data);
    void flush();
    void end();
    void on_hangup();
    void update_interest();

    os::Poller& poller_;
    AttachmentHost& host_;
    Fd socket_;
    AttachOptions options_;
    std::string queue_;
    std::size_t sent_ = 0;          ///< of the queue's front
    std::string unread_;            ///< input that came with the request
    std::size_t keys_matched_ = 0;  ///< of the detach keys
    bool accepting_ = false;
    bool ever_accepted_ = false;
    bool peer_gone_ = false;  ///< seen while its input waits for the process to take it
    bool input_ended_ = false;
    bool finished_ = false;
    std::unique_ptr<os::Watch> watch_;
};

}  // namespace brig::shim
