// brig-runtime create: everything is made and the process waits for start.
#include <array>

#include "base/error.h"
#include "runtime/cli/create_request.h"
#include "runtime/cli/process_options.h"

namespace brig::runtime {
namespace {

constexpr std::array options{bundle_option,      console_socket_option, pidfd_socket_option,
                             pid_file_option,    no_pivot_option,       no_new_keyring_option,
                             preserve_fds_option};

int run(Context& context, const Arguments& arguments) {
    BundleRequest wanted = bundle_request(context, arguments, true);
    wanted.request.spec = &wanted.spec;
    const std::string id = wanted.request.id;
    Started started = context.runtime.create(std::move(wanted.request));
    try {
        hand_over(arguments, started);
    } catch (const Error&) {
        context.runtime.remove(id, true);
        throw;
    }
    return 0;
}

}  // namespace

constinit const Command create_command{.name = "create",
                                       .usage = "CONTAINER",
                                       .summary = "make a container and leave it waiting for start",
                                       .options = options,
                                       .makes_processes = true,
                                       .run = run};

}  // namespace brig::runtime
