// brig-runtime state: one container as JSON.
#include "runtime/cli/container_json.h"

namespace brig::runtime {
namespace {

int run(Context& context, const Arguments& arguments) {
    const State state = context.runtime.state(arguments.words().front());
    print(container_json(context, state).dump(2) + "\n");
    return 0;
}

}  // namespace

constinit const Command state_command{
    .name = "state", .usage = "CONTAINER", .summary = "print a container's state", .run = run};

}  // namespace brig::runtime
