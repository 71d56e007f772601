// brig-runtime run: create and start in one; in the foreground unless --detach.
#include <array>

#include "base/error.h"
#include "os/process.h"
#include "runtime/cli/create_request.h"
#include "runtime/cli/foreground.h"
#include "runtime/cli/process_options.h"

namespace brig::runtime {
namespace {

constexpr std::array options{
    bundle_option,
    console_socket_option,
    pidfd_socket_option,
    pid_file_option,
    no_pivot_option,
    no_new_keyring_option,
    preserve_fds_option,
    detach_option,
    Option{"keep", "", "", "do not delete the container when its process has ended"},
    Option{"no-subreaper", "", "", "do not adopt the container's orphans"}};

int run(Context& context, const Arguments& arguments) {
    const bool detached = arguments.has("detach");
    BundleRequest wanted = bundle_request(context, arguments, detached);
    wanted.request.spec = &wanted.spec;
    const std::string id = wanted.request.id;
    if (!detached && !arguments.has("no-subreaper")) os::become_subreaper();
    Started started = context.runtime.run(std::move(wanted.request));
    try {
        hand_over(arguments, started);
        if (detached) return 0;
        const int status = stay_in_foreground(std::move(started));
        if (!arguments.has("keep")) context.runtime.remove(id, true);
        return status;
    } catch (const Error&) {
        context.runtime.remove(id, true);
        throw;
    }
}

}  // namespace

constinit const Command run_command{.name = "run",
                                    .usage = "CONTAINER",
                                    .summary = "make a container and run it to its end",
                                    .options = options,
                                    .makes_processes = true,
                                    .run = run};

}  // namespace brig::runtime
