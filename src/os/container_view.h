// A container's files while it does not run, as its processes would see them: its root with its
// volumes mounted in it, for copying in and out.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <vector>

#include "base/fd.h"
#include "base/mount_spec.h"

namespace brig::os {

class ContainerView {
public:
    /// Who is root in the container, on the host; 0 on FreeBSD.
    struct Owner {
        uid_t user = 0;
        gid_t group = 0;
    };
    /// `scratch` is an empty directory that stays while the view does. Missing places to mount on
    /// are made, and belong to `owner`, as a start would make them. What is beneath is hostile: use
    /// the root with open_in_root() only. Linux: seen in a mount namespace of its own, which ends
    /// with the view, however that ends. FreeBSD: mounted at `scratch`.
    static ContainerView assemble(const std::vector<brig::Mount>& root,
                                  const std::vector<brig::Mount>& mounts,
                                  const std::filesystem::path& scratch, Owner owner);
    ContainerView(ContainerView&& other) noexcept;
    ContainerView& operator=(ContainerView&&) = delete;
    ~ContainerView();

    /// A directory, open for reading.
    [[nodiscard]] const Fd& root() const { return root_; }

    /// Unmounts what a killed process has left at `scratch`.
    static void clear(const std::filesystem::path& scratch);

private:
    ContainerView(Fd root, Fd keeper, std::filesystem::path mounted_at)
        : root_(std::move(root)), keeper_(std::move(keeper)), mounted_at_(std::move(mounted_at)) {}
    Fd root_;
    Fd keeper_;                         ///< Linux: the mount namespace
    std::filesystem::path mounted_at_;  ///< FreeBSD
};

}  // namespace brig::os
