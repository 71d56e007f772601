// What the files of the runtime's lifecycle share: runtime.cpp (start to delete), create.cpp and
// control.cpp. For them alone.
#pragma once

#include <map>
#include <string>

#include "os/sandbox.h"
#include "runtime/runtime.h"
#include "runtime/state_store.h"

namespace brig::runtime {

struct Runtime::Impl {
    explicit Impl(std::filesystem::path root) : store(std::move(root)) {}

    Started make(CreateRequest request, bool wait_for_start);
    /// Everything a container has, whatever of it is there.
    void undo(const Record& record, const Entry& entry) const;
    /// After a failure, of which this one must not take the place: undo(), then `hooks` if any
    /// ("Lifecycle", steps 12 and 13).
    void give_up(const Record& record, const Entry& entry, const oci::Hooks* hooks) const noexcept;
    /// Empty when there is none.
    os::SyscallFilter filter_for(const oci::RuntimeSpec& spec);
    os::SyscallFilter filter_of(const Record& record);

    StateStore store;
    std::map<std::string, os::SyscallFilter> shared_filters;  ///< by the profile's file
};

Status status_of(const Entry& entry, const Record& record);
/// The document hooks get on standard input.
std::string hook_state(const Record& record, Status status, pid_t pid);
void run_poststart_hooks(const oci::Hooks& hooks, const Record& record);
void run_poststop_hooks(const oci::Hooks& hooks, const Record& record);
oci::RuntimeSpec load_spec(const std::filesystem::path& bundle);
os::StdioFds borrow(const Stdio& stdio);
/// Connects to who answers the filter's questions, if it asks any.
Fd settle_listener(const Record& record, const os::SyscallFilter& filter, Status status,
                   os::SandboxCallbacks& callbacks);

}  // namespace brig::runtime
