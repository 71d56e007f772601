// A thread moves to a mount namespace of its own, mounts everything there by descriptor as a
// starting container does, and leaves the namespace behind as a descriptor.
#include "os/container_view.h"

#include <fcntl.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

#include <exception>
#include <thread>

#include "base/error.h"
#include "os/linux/root_tree.h"

namespace brig::os {
namespace {

struct Assembled {
    Fd root;
    Fd name_space;
};

/// Of this thread, for files that it makes; with all its rights, which a change of the user would
/// take otherwise.
void make_files_for(ContainerView::Owner owner) {
    if (owner.user == 0 && owner.group == 0) return;
    if (::prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) != 0)
        throw SysError("keep the rights to files");
    ::setfsgid(owner.group);
    ::setfsuid(owner.user);
}

Assembled assemble_here(const SandboxSpec& spec, ContainerView::Owner owner) {
    if (::unshare(CLONE_NEWNS) != 0) throw SysError("make a mount namespace");
    RootTree tree(spec);
    make_files_for(owner);
    tree.mount_all({}, {});
    return {open_at(tree.root(), ".", O_RDONLY | O_DIRECTORY),
            open_file("/proc/thread-self/ns/mnt", O_RDONLY)};
}

}  // namespace

ContainerView ContainerView::assemble(const std::vector<brig::Mount>& root,
                                      const std::vector<brig::Mount>& mounts,
                                      const std::filesystem::path& scratch, Owner owner) {
    SandboxSpec spec;
    spec.root = scratch.string();
    spec.root_mounts = root;
    spec.mounts = mounts;
    Assembled made;
    std::exception_ptr failure;
    std::thread([&] {
        try {
            made = assemble_here(spec, owner);
        } catch (...) {
            failure = std::current_exception();
        }
    }).join();
    if (failure) std::rethrow_exception(failure);
    return {std::move(made.root), std::move(made.name_space), {}};
}

ContainerView::ContainerView(ContainerView&& other) noexcept = default;
ContainerView::~ContainerView() = default;

void ContainerView::clear(const std::filesystem::path&) {}

}  // namespace brig::os
