// brig-runtime's commands, with runc's options and output.
#pragma once

namespace brig::runtime {

/// The exit code: the container's own for `run` and `exec` in the foreground.
int command_line(int argc, char** argv);

}  // namespace brig::runtime
