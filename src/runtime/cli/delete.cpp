// brig-runtime delete: removes what is left of a container.
#include <array>

#include "runtime/cli/command.h"

namespace brig::runtime {
namespace {

constexpr std::array options{Option{"force", "f", "", "kill it first if it runs"}};

int run(Context& context, const Arguments& arguments) {
    context.runtime.remove(arguments.words().front(), arguments.has("force"));
    return 0;
}

}  // namespace

constinit const Command delete_command{.name = "delete",
                                       .usage = "CONTAINER",
                                       .summary = "remove what is left of a container",
                                       .options = options,
                                       .run = run};

}  // namespace brig::runtime
