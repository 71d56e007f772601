// brig-runtime pause and resume: all processes of a container stand still, or go on.
#include "runtime/cli/command.h"

namespace brig::runtime {
namespace {

int pause(Context& context, const Arguments& arguments) {
    context.runtime.pause(arguments.words().front());
    return 0;
}

int resume(Context& context, const Arguments& arguments) {
    context.runtime.resume(arguments.words().front());
    return 0;
}

}  // namespace

constinit const Command pause_command{.name = "pause",
                                      .usage = "CONTAINER",
                                      .summary = "suspend all processes of a container",
                                      .run = pause};

constinit const Command resume_command{.name = "resume",
                                       .usage = "CONTAINER",
                                       .summary = "let the processes of a paused container go on",
                                       .run = resume};

}  // namespace brig::runtime
