// brig-runtime checkpoint and restore, which say that they are not there: a caller that asks must
// not take silence for a saved container.
#include "base/error.h"
#include "runtime/cli/command.h"
#include "runtime/cli/help.h"

namespace brig::runtime {
namespace {

template <const Command& command>
int refuse(Context&, const Arguments& arguments) {
    if (!arguments.words().empty() &&
        (arguments.words().front() == "-h" || arguments.words().front() == "--help")) {
        print(command_help(command));
        return 0;
    }
    throw Error(ErrorKind::not_implemented,
                "{} is not supported: brig-runtime does not save processes to disk", command.name);
}

}  // namespace

constinit const Command checkpoint_command{.name = "checkpoint",
                                           .usage = "CONTAINER",
                                           .summary = "not supported",
                                           .words = any_words,
                                           .placement = Placement::unparsed,
                                           .run = refuse<checkpoint_command>};

constinit const Command restore_command{.name = "restore",
                                        .usage = "CONTAINER",
                                        .summary = "not supported",
                                        .words = any_words,
                                        .placement = Placement::unparsed,
                                        .run = refuse<restore_command>};

}  // namespace brig::runtime
