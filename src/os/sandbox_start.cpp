// The caller's half of starting a sandbox, the same on both kernels.
#include <sys/wait.h>

#include <cerrno>
#include <csignal>

#include "base/defer.h"
#include "os/process.h"
#include "os/sandbox.h"

namespace brig::os {

SandboxStart::SandboxStart(SandboxRef ref, Fd process, ChildReport report,
                           SandboxCallbacks callbacks)
    : ref_(std::move(ref)),
      process_(std::move(process)),
      report_(std::move(report)),
      callbacks_(std::move(callbacks)) {}

SandboxStart::Ready SandboxStart::finish() {
    // Whatever goes wrong: no half-made container stays behind.
    Defer end_child([&] {
        ::kill(ref_.pid, SIGKILL);
        while (::waitpid(ref_.pid, nullptr, 0) < 0 && errno == EINTR) {
        }
    });
    Fd console;
    for (;;) {
        ChildReport::Message message = report_.receive();
        using Kind = ChildReport::Message::Kind;
        if (message.kind == Kind::rendezvous) {
            if (callbacks_.created) callbacks_.created(ref_.pid);
            report_.proceed();
            continue;
        }
        if (message.kind == Kind::ready) {
            console = std::move(message.descriptor);
            if (!callbacks_.await_start) continue;
        } else if (callbacks_.await_start) {
            throw Error(ErrorKind::internal,
                        "the container's process died while it was being set up");
        }
        end_child.dismiss();
        return {std::move(process_), std::move(console)};
    }
}

}  // namespace brig::os
