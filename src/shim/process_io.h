// The stdio of one process, in the supervisor's loop: output goes to the log and to every attached
// client, clients' input goes to the process. It may exist before the process does, so that a
// client attached early misses nothing.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "os/poller.h"
#include "runtime/runtime.h"
#include "shim/attachment.h"
#include "shim/log_file.h"

namespace brig::shim {

/// What all of a loop's stdio shares.
struct IoLoop {
    os::Poller& poller;
    std::span<char> scratch;  ///< where every read goes first
};

struct IoOptions {
    bool terminal = false;
    bool open_stdin = false;
    bool stdin_once = false;
    LogOptions log;
};

class ProcessIo final : public AttachmentHost {
public:
    explicit ProcessIo(IoLoop& loop) : loop_(loop) {}
    ~ProcessIo();
    ProcessIo(const ProcessIo&) = delete;
    ProcessIo& operator=(const ProcessIo&) = delete;

    /// Opens the log and makes the pipes; what it returns is for the process. Throws SysError.
    runtime::Stdio prepare(const IoOptions& options);
    /// Lets output and input flow. `console` is the terminal's master, empty without one.
    void begin(Fd console);

    void attach(Hijacked connection, AttachOptions options);
    [[nodiscard]] bool has_clients() const { return !clients_.empty(); }
    /// Called from the loop when the last client has gone; may destroy this.
    std::function<void()> on_deserted;

    void close_stdin();
    /// Throws Error{failed_precondition} without a terminal.
    void resize(ConsoleSize size);

    /// The process has ended: takes what is still in the pipes, ends the log, gives clients the end
    /// of file and calls `done`, at once when every writer is gone, else when they are or after a
    /// short while (a background process may hold them open for ever; its output then goes on to
    /// the log). `done` must not destroy this.
    void finish(std::function<void()> done);
    /// Nobody can write to it any more.
    [[nodiscard]] bool drained() const;

private:
    /// One readable end: stdout, stderr or the console.
    class Source final : public os::Watcher {
    public:
        Source(ProcessIo& owner, Fd fd, Channel which);
        /// False at the end of file, or when there is nothing to read for now.
        bool pump();
        void pause(bool paused);
        [[nodiscard]] bool at_end() const { return !fd_; }
        [[nodiscard]] const Fd& fd() const { return fd_; }

    private:
        void on_ready(os::Ready) override;
        ProcessIo& owner_;
        Fd fd_;
        Channel channel_;
        std::unique_ptr<os::Watch> watch_;
    };

    /// The writable end.
    class Sink final : public os::Watcher {
    public:
        Sink(ProcessIo& owner, Fd fd);
        void write(std::string_view data);
        void close_when_written();
        [[nodiscard]] bool busy() const { return !pending_.empty(); }
        [[nodiscard]] bool open() const { return static_cast<bool>(fd_) && !closing_; }

    private:
        void on_ready(os::Ready) override;
        void close();
        ProcessIo& owner_;
        Fd fd_;
        std::string pending_;
        bool closing_ = false;
        std::unique_ptr<os::Watch> watch_;
    };

    void on_input(std::string_view data) override;
    void on_input_end() override;
    void on_relieved() override { regulate(); }
    void on_gone(Attachment& attachment) override;

    void take(Channel channel, std::string_view data);
    void source_ended(Channel channel);
    /// Stops or resumes reading of both sides as queues are full or not.
    void regulate();
    void sweep();
    void complete();

    IoLoop& loop_;
    IoOptions options_;
    bool begun_ = false;
    Fd stdin_end_, stdout_end_, stderr_end_;  ///< between prepare() and begin()
    std::unique_ptr<LogFile> log_;
    std::unique_ptr<Source> out_, err_;
    std::unique_ptr<Sink> in_;
    std::vector<std::unique_ptr<Attachment>> clients_;
    std::function<void()> done_;
    bool complete_ = false;
    os::Poller::TimerId deadline_ = 0;
};

}  // namespace brig::shim
