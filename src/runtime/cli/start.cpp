// brig-runtime start: lets a created container's process go.
#include "runtime/cli/command.h"

namespace brig::runtime {
namespace {

int run(Context& context, const Arguments& arguments) {
    context.runtime.start(arguments.words().front());
    return 0;
}

}  // namespace

constinit const Command start_command{.name = "start",
                                      .usage = "CONTAINER",
                                      .summary = "start the process of a created container",
                                      .run = run};

}  // namespace brig::runtime
