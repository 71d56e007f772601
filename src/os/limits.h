// What holds a container's processes together: limits, accounting, freezing and killing them all.
// Control groups on Linux (version 2, 1 or both at once), rctl and cpuset of the jail on FreeBSD.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "os/resources.h"

namespace brig::os {

/// One container's group. Nothing is removed by the destructor: the group outlives the process
/// that made it, and remove() finds it again by name.
class Limits {
public:
    /// Who makes the group: we in the kernel's file system, or systemd where it runs.
    enum class Keeper { kernel, systemd };

    /// The group that make() would make; nothing is there yet, so that its handle() can be noted
    /// before. `path` as the OCI's cgroupsPath ("/brig/ID", "ID", "slice:prefix:name"); empty:
    /// "/brig/ID". FreeBSD: the parent jail's name, or empty; `id` is the jail's own. Throws Error
    /// for settings that this host cannot honour, Error{conflict} when a group of that name has
    /// processes or is frozen.
    static Limits plan(const std::string& id, const std::string& path, const Resources& resources,
                       Keeper keeper = Keeper::kernel);
    /// Creates it with `resources` applied; a left-over one of the same name with no processes is
    /// reused. Throws Error{conflict} when it got some since plan(): it is not ours then. An
    /// ordinary user who was given no control groups and asks for no limits gets none: handle()
    /// changes.
    void make(const Resources& resources);
    /// Both in one.
    static Limits create(const std::string& id, const std::string& path,
                         const Resources& resources);
    /// The group that create() made, from what handle() said. Absent parts are ignored.
    static Limits open(const std::string& handle);

    Limits(Limits&&) noexcept;
    Limits& operator=(Limits&&) noexcept;
    ~Limits();

    /// False where make() had to do without a group: nothing is known about its processes.
    [[nodiscard]] bool exists() const;
    /// Text for the state file.
    [[nodiscard]] std::string handle() const;
    /// Applies what is set in `resources` and leaves the rest as it is.
    void update(const Resources& resources);
    /// Processes that enter the container join this group beneath its own: Linux's "PATH", or
    /// "CONTROLLER,…:PATH" for some of version 1. Throws when there can be no such.
    void enter_below(const std::string& where);
    [[nodiscard]] std::vector<pid_t> processes() const;
    void signal_all(int signal);
    void freeze();
    void thaw();
    [[nodiscard]] bool frozen() const;
    [[nodiscard]] Usage usage() const;
    /// Usage::oom_kills alone: asked at every container's end.
    [[nodiscard]] std::uint64_t oom_kills() const;
    /// SIGKILL to everything inside, waits until it is gone, removes the group. Idempotent.
    void remove();

    struct Impl;
    [[nodiscard]] Impl& impl() const { return *impl_; }

private:
    explicit Limits(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace brig::os
