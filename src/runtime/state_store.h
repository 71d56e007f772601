// What the runtime remembers of a container between commands: one directory per container, locked
// while it is worked on, with a small JSON file that is replaced atomically.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/time.h"
#include "oci/runtime_spec.h"
#include "os/sandbox.h"

namespace brig::runtime {

struct Record {
    std::string id;
    std::string oci_version;
    std::filesystem::path bundle;
    std::filesystem::path rootfs;
    Instant created{};
    os::SandboxRef sandbox;                          ///< pid 0: being created
    std::string limits;                              ///< os::Limits::handle()
    std::string filter;                              ///< os::SyscallFilter::key()
    std::string listener, listener_metadata;         ///< seccomp's, for filters that ask
    std::optional<oci::MemoryPolicy> memory_policy;  ///< of processes that enter, too
    bool poststart_hooks = false, poststop_hooks = false;
    std::map<std::string, std::string> annotations;
};

/// A container's directory, exclusively ours while this lives.
class Entry {
public:
    [[nodiscard]] int directory() const { return directory_.get(); }
    /// Nothing when the creator died before it wrote anything.
    [[nodiscard]] std::optional<Record> load() const;
    void save(const Record& record) const;
    [[nodiscard]] bool waits_for_start() const;
    void erase() const;
    /// No longer ours alone. Explicit, since a child that was just made has a copy of the
    /// descriptor and the lock with it.
    void unlock() const;

private:
    friend class StateStore;
    Entry(Fd directory, std::filesystem::path path)
        : directory_(std::move(directory)), path_(std::move(path)) {}
    Fd directory_;
    std::filesystem::path path_;
};

class StateStore {
public:
    explicit StateStore(std::filesystem::path root) : root_(std::move(root)) {}
    /// Throws Error{already_exists}.
    [[nodiscard]] Entry create(const std::string& id) const;
    /// Waits for whoever holds it. Nothing when there is none.
    [[nodiscard]] std::optional<Entry> find(const std::string& id) const;
    /// Throws Error{not_found}.
    [[nodiscard]] Entry get(const std::string& id) const;
    [[nodiscard]] std::vector<std::string> list() const;
    [[nodiscard]] std::string filter_cache() const { return (root_ / ".seccomp").string(); }

    static constexpr const char* gate = "start.sock";

private:
    std::filesystem::path root_;
};

/// Throws Error{invalid_argument}: an id is a directory's name and must stay one.
void check_id(const std::string& id);

}  // namespace brig::runtime
