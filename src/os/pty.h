// Terminals for containers: size, and the pair itself where no container's devpts is involved.
#pragma once

#include "base/fd.h"

namespace brig::os {

struct Pty {
    Fd master;
    Fd slave;
};

/// A new pair from the host's terminals. Throws SysError.
Pty open_pty();
/// TIOCSWINSZ. Throws SysError.
void set_window_size(int terminal, unsigned rows, unsigned columns);
/// Makes `terminal` the controlling terminal of the calling session leader.
void take_controlling_terminal(int terminal);

}  // namespace brig::os
