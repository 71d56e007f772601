// brig-runtime's command line: runc's global options, commands, exit codes and log lines.
#pragma once

namespace brig::runtime {

/// The exit code: the container's own for `run` and `exec` in the foreground.
int command_line(int argc, char** argv);

}  // namespace brig::runtime
