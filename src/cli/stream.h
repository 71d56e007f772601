// Our terminal and a container's stdio, connected: the loop behind run, attach, start -a and exec.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "cli/signal_pipe.h"
#include "client/client.h"
#include "os/terminal.h"

namespace brig::cli {

struct StreamPlan {
    bool tty = false;         ///< one raw stream; otherwise stdout and stderr are multiplexed
    bool input = false;       ///< copy our stdin, half-closing at its end
    std::string detach_keys;  ///< bytes; only looked for on a terminal
    std::function<void(os::WindowSize)> resize;  ///< our window has this size now
    std::function<void(int)> signal;  ///< a signal for the container; empty: not passed on
    /// Readable once the container has ended: then the stream's end is awaited for a moment only.
    int ended_fd = -1;
};

enum class StreamEnd { closed, detached };

/// Our side of the connection, made before the container starts so that no signal and no byte is
/// lost, and undone (raw mode, signal handlers) when it goes.
class Stream {
public:
    explicit Stream(StreamPlan plan);
    ~Stream();

    /// Tells the window's size now.
    void announce_size();
    /// Copies until the engine closes the stream or the user detaches. Throws Failure{128+n}
    /// for a signal that ends us, Error.
    StreamEnd run(client::Hijacked connection);
    /// Waits until `fd` can be read; signals are passed on meanwhile as in run().
    void await_readable(int fd);

private:
    class Pump;
    void take_signals();

    StreamPlan plan_;
    SignalPipe signals_;
    std::optional<os::RawTerminal> raw_;
};

}  // namespace brig::cli
