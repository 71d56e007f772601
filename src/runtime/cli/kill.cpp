// brig-runtime kill: a signal for a container's first process, or for all of them.
#include <array>

#include "base/error.h"
#include "runtime/cli/command.h"
#include "runtime/cli/signal_number.h"

namespace brig::runtime {
namespace {

constexpr std::array options{
    Option{"all", "a", "", "signal every process of it; no error when none is left"}};

int run(Context& context, const Arguments& arguments) {
    const auto& words = arguments.words();
    const int signal = signal_number(words.size() > 1 ? words[1] : "SIGTERM");
    context.runtime.kill(words.front(), signal, arguments.has("all"));
    return 0;
}

}  // namespace

constinit const Command kill_command{.name = "kill",
                                     .usage = "CONTAINER [SIGNAL]",
                                     .summary = "send a signal to a container, TERM by default",
                                     .options = options,
                                     .words = {1, 2},
                                     .placement = Placement::before_words,
                                     .run = run};

}  // namespace brig::runtime
