// Files in and out of containers: docker cp, export and diff. The tree is hostile and may change
// under our hands: every path is resolved beneath the container's root by descriptor, never by
// name on the host (CVE-2018-15664), and no program or library of the container's is ever run or
// loaded (CVE-2019-14271).
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "archive/layer.h"
#include "archive/nodes.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strings.h"
#include "engine/impl.h"
#include "engine/spec_parts.h"
#include "oci/runtime_defaults.h"
#include "os/beneath.h"
#include "os/container_root.h"
#include "os/container_view.h"
#include "os/mounts.h"
#include "snapshot/snapshotter.h"

namespace brig::engine {

using nlohmann::json;

struct RootView {
    explicit RootView(const std::filesystem::path& place) : scratch(place, "view") {}
    TempDir scratch;
    std::optional<os::ContainerView> assembled;
    Fd running;
    [[nodiscard]] const Fd& root() const { return assembled ? assembled->root() : running; }
};

namespace {

/// A path in a container as far as it could be followed.
struct Found {
    Fd directory;
    std::string name;  ///< in `directory`; "." for itself
    std::string base;  ///< what the client calls it
    struct stat info {};
};

Error no_such_file(const std::string& path, const std::string& ref) {
    return {ErrorKind::not_found, "Could not find the file {} in container {}", path, ref};
}

bool is_missing(const SysError& error) {
    return error.error_number() == ENOENT || error.error_number() == ENOTDIR;
}

/// "link/" and "link/." mean what the link leads to, "link" the link itself.
Found look_up(const Fd& root, const std::string& path, const std::string& ref) {
    std::string text = path;
    const bool contents = text.ends_with("/.");
    const bool inside = contents || text.ends_with('/');
    if (contents) text.pop_back();
    while (text.ends_with('/')) text.pop_back();
    try {
        Found found;
        if (text.empty() || inside) {
            found.directory =
                os::open_in_root(root.get(), text.empty() ? "/" : text, O_RDONLY | O_DIRECTORY);
            found.name = ".";
        } else {
            std::tie(found.directory, found.name) = os::open_parent_in_root(root.get(), text);
        }
        const auto info = archive::stat_at(found.directory.get(), found.name);
        if (!info) throw no_such_file(path, ref);
        found.info = *info;
        found.base = contents ? "." : text.empty() ? "/" : text.substr(text.rfind('/') + 1);
        return found;
    } catch (const SysError& e) {
        if (is_missing(e)) throw no_such_file(path, ref);
        throw;
    }
}

/// Where a link leads, as a path of the container; empty for what is no link.
std::string link_target(const Fd& root, std::string path) {
    namespace fs = std::filesystem;
    constexpr int most_links = 40;
    std::string target;
    for (int i = 0; i < most_links; ++i) {
        try {
            const auto [parent, name] = os::open_parent_in_root(root.get(), path);
            const auto info = archive::stat_at(parent.get(), name);
            if (!info || !S_ISLNK(info->st_mode)) return target;
            const fs::path text = archive::link_text(parent.get(), name);
            path = (fs::path("/" + path).parent_path() / text).lexically_normal().string();
            target = path;
        } catch (const SysError&) {
            return target;
        }
    }
    return target;
}

/// Go's os.FileMode.
std::uint32_t go_mode(mode_t mode) {
    std::uint32_t out = mode & 0777U;
    if (S_ISDIR(mode)) out |= 1U << 31U;
    if (S_ISLNK(mode)) out |= 1U << 27U;
    if (S_ISBLK(mode) || S_ISCHR(mode)) out |= 1U << 26U;
    if (S_ISFIFO(mode)) out |= 1U << 25U;
    if (S_ISSOCK(mode)) out |= 1U << 24U;
    if ((mode & S_ISUID) != 0) out |= 1U << 23U;
    if ((mode & S_ISGID) != 0) out |= 1U << 22U;
    if (S_ISCHR(mode)) out |= 1U << 21U;
    if ((mode & S_ISVTX) != 0) out |= 1U << 20U;
    return out;
}

json stat_json(const Found& found, const std::string& target) {
    const auto mtime = Instant(std::chrono::duration_cast<Instant::duration>(
        std::chrono::seconds(found.info.st_mtim.tv_sec) +
        std::chrono::nanoseconds(found.info.st_mtim.tv_nsec)));
    return {{"name", found.base},
            {"size", found.info.st_size},
            {"mode", go_mode(found.info.st_mode)},
            {"mtime", format_rfc3339(mtime)},
            {"linkTarget", target}};
}

/// A tree that is being changed, mounted so that it can only be read.
std::vector<brig::Mount> read_only(std::vector<brig::Mount> mounts) {
    for (auto& mount : mounts) {
        if (mount.type != "overlay") continue;
        std::string upper;
        std::erase_if(mount.options, [&](const std::string& option) {
            if (option.starts_with("upperdir=")) upper = option.substr(9);
            return option.starts_with("upperdir=") || option.starts_with("workdir=");
        });
        for (auto& option : mount.options) {
            if (!upper.empty() && option.starts_with("lowerdir="))
                option = "lowerdir=" + upper + ":" + option.substr(9);
        }
    }
    return mounts;
}

/// In a container at rest nothing but this check is in the way.
void check_writable(const Record& record, const std::string& path) {
    const auto wanted = std::filesystem::path("/" + path).lexically_normal().string() + "/";
    const MountPoint* nearest = nullptr;
    for (const auto& mount : record.mounts) {
        if (wanted.starts_with(mount.destination + "/") &&
            (nearest == nullptr || mount.destination.size() > nearest->destination.size()))
            nearest = &mount;
    }
    if (nearest != nullptr && !nearest->rw)
        throw Error(ErrorKind::permission_denied, "mounted volume is marked read-only");
    if (nearest == nullptr && record.host.readonly_rootfs)
        throw Error(ErrorKind::permission_denied, "container rootfs is marked read-only");
}

/// On the host.
os::ContainerView::Owner root_of(const archive::OwnerMap& owners) {
    return {owners.user(0, archive::To::disk), owners.group(0, archive::To::disk)};
}

}  // namespace

std::shared_ptr<RootView> Engine::Impl::view(const Record& record) {
    auto out = std::make_shared<RootView>(parts.settings.run / "tasks");
    if (record.state.running()) {
        out->running = os::open_container_root(record.state.pid, bundle_of(record.id) / "rootfs");
        return out;
    }
    std::vector<brig::Mount> mounts;
    for (const auto& mount : record.mounts) {
        if (mount.type != "tmpfs") mounts.push_back(runtime_mount(mount));
    }
    out->assembled.emplace(
        os::ContainerView::assemble(parts.snapshots->mounts(snapshot_of(record.id)), mounts,
                                    out->scratch.path(), root_of(parts.snapshots->owners())));
    return out;
}

json Engine::archive_stat(const std::string& ref, const std::string& path) {
    const auto view = impl_->view(impl_->table.find(ref)->snapshot());
    const auto found = look_up(view->root(), path, ref);
    const bool link = S_ISLNK(found.info.st_mode);
    return stat_json(found, link ? link_target(view->root(), path) : "");
}

FileArchive Engine::archive_get(const std::string& ref, const std::string& path) {
    const auto container = impl_->table.find(ref);
    const auto view = impl_->view(container->snapshot());
    auto found = std::make_shared<Found>(look_up(view->root(), path, ref));
    const bool link = S_ISLNK(found->info.st_mode);
    std::string stat = stat_json(*found, link ? link_target(view->root(), path) : "").dump();
    impl_->publish(container->snapshot(), "archive-path");
    return {std::move(stat), [view, found, owners = impl_->parts.snapshots->owners()](int sink) {
                archive::write_node(
                    found->directory, found->name,
                    [sink](std::span<const std::byte> bytes) { write_all(sink, bytes); },
                    {.prefix = found->base, .owners = owners.with_strangers()});
            }};
}

void Engine::archive_put(const std::string& ref, const std::string& path, const ArchivePut& options,
                         std::unique_ptr<archive::Source> body) {
    const auto container = impl_->table.find(ref);
    std::unique_lock operation(container->operation);
    const Record record = container->snapshot();
    if (record.state.running()) operation.unlock();
    const auto view = impl_->view(record);
    try {
        static_cast<void>(os::open_in_root(view->root().get(), path, O_RDONLY | O_DIRECTORY));
    } catch (const SysError& e) {
        if (e.error_number() == ENOTDIR)
            throw Error(ErrorKind::invalid_argument, "extraction point is not a directory");
        if (e.error_number() == ENOENT) throw no_such_file(path, ref);
        throw;
    }
    check_writable(record, path);
    archive::ApplyOptions apply;
    apply.whiteouts = false;
    apply.directory = path;
    apply.keep_kinds = options.no_overwrite_dir_non_dir;
    if (options.copy_owner && !record.config.user.empty()) {
        const auto user = resolve_user(record.config.user, {}, read_accounts(view->root().get()));
        apply.owner = {user.uid, user.gid};
    }
    archive::LayerTree tree{.root = open_at(view->root().get(), ".", O_RDONLY | O_DIRECTORY),
                            .owners = impl_->parts.snapshots->owners()};
    const auto source = archive::decompress(std::move(body));
    archive::apply_tar(*source, tree, apply);
    impl_->publish(record, "extract-to-dir");
}

Streamer Engine::export_files(const std::string& ref) {
    const auto container = impl_->table.find(ref);
    auto& parts = impl_->parts;
    const auto scratch = std::make_shared<TempDir>(parts.settings.run / "tasks", "view");
    const auto tree = std::make_shared<os::MountedTree>(os::MountedTree::mount(
        read_only(parts.snapshots->mounts(Impl::snapshot_of(container->id))), scratch->path()));
    impl_->publish(container->snapshot(), "export");
    return [scratch, tree, owners = parts.snapshots->owners()](int sink) {
        archive::write_tree(tree->root(),
                            [sink](std::span<const std::byte> bytes) { write_all(sink, bytes); },
                            {.owners = owners});
    };
}

json Engine::changes(const std::string& ref) {
    const auto container = impl_->table.find(ref);
    json out = json::array();
    for (const auto& change :
         archive::layer_changes(impl_->parts.snapshots->tree(Impl::snapshot_of(container->id)),
                                oci::default_mount_points())) {
        out.push_back({{"Path", "/" + change.path}, {"Kind", static_cast<int>(change.kind)}});
    }
    return out;
}

}  // namespace brig::engine
