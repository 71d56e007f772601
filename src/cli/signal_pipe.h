// Signals as bytes of a pipe, so that one poll(2) sees them beside everything else.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"

namespace brig::cli {

/// Catches `signals` for as long as it lives. At most one at a time per process.
class SignalPipe {
public:
    explicit SignalPipe(const std::vector<int>& signals);
    SignalPipe(const SignalPipe&) = delete;
    SignalPipe& operator=(const SignalPipe&) = delete;
    ~SignalPipe();

    /// Becomes readable when a signal is waiting.
    [[nodiscard]] int fd() const { return pipe_.first.get(); }
    /// The next waiting signal, without blocking.
    std::optional<int> next();

private:
    struct Saved;
    FdPair pipe_;
    std::vector<Saved> saved_;
};

/// What a user may send to a container through us: HUP, INT, QUIT, TERM, USR1, USR2.
std::vector<int> forwarded_signals();
/// "INT" for 2, as the engine's kill takes it; numbers differ between kernels.
std::string signal_name(int signal);

}  // namespace brig::cli
