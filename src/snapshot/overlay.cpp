// The overlay driver: ROOT/N/fs is layer N, ROOT/N/work overlayfs' scratch space. Numbers keep the
// lowerdir option short: long chains have to fit a page on kernels without lowerdir+.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/strings.h"
#include "os/process_table.h"
#include "snapshot/catalog.h"
#include "snapshot/drivers.h"

namespace brig::snapshot {
namespace fs = std::filesystem;
namespace {

void make_directory(const fs::path& path, mode_t mode) {
    if (::mkdir(path.c_str(), mode) != 0) throw SysError("create directory {}", path.string());
    // The umask must not show in containers.
    if (::chmod(path.c_str(), mode) != 0) throw SysError("set the mode of {}", path.string());
}

/// Options that keep each layer complete in itself, where the host turned the opposite on:
/// a layer with redirects or metadata-only copies means nothing as a tar.
std::vector<std::string> plain_options() {
    std::vector<std::string> out;
    for (const char* feature : {"index", "metacopy", "redirect_dir"}) {
        const fs::path parameter = fs::path("/sys/module/overlay/parameters") / feature;
        std::error_code absent;
        if (!fs::exists(parameter, absent)) continue;
        if (trim(read_file(parameter, 64)) == "Y") out.push_back(std::string(feature) + "=off");
    }
    return out;
}

/// The end of an overlay flushes all of the file system it lies on, however much others have
/// written there, unless it is mounted with the option "volatile".
bool knows_volatile() {
    const auto parts = split(os::host_info().kernel, '.');
    if (parts.size() < 2) return false;
    const auto major = parse_int<int>(parts[0]).value_or(0);
    const auto minor = parse_int<int>(parts[1]).value_or(0);
    return std::pair(major, minor) >= std::pair(5, 10);
}

/// Removes the mark that keeps what was once mounted so from being mounted again, lest somebody
/// rely on it after a crash of the host. We know who does not.
void forget_volatile_mount(const fs::path& work) {
    const fs::path mark = work / "work/incompat";
    if (::access(mark.c_str(), F_OK) == 0) remove_tree(mark);
}

class Overlay : public Snapshotter {
public:
    explicit Overlay(const fs::path& root) : catalog_(root), options_(plain_options()) {}

    std::vector<Mount> prepare(const std::string& key, const std::optional<std::string>& parent,
                               Kind kind, std::optional<std::uint64_t> limit) override {
        if (limit) refuse_limit("overlay");
        const auto record = catalog_.reserve(key, parent, kind);
        try {
            const fs::path directory = catalog_.directory(record.id);
            make_directory(directory / "fs", 0755);
            if (record.parent)
                inherit_root(directory / "fs", catalog_.directory(*record.parent) / "fs");
            if (kind == Kind::active) make_directory(directory / "work", 0711);
            catalog_.publish(record);
        } catch (...) {
            catalog_.abandon(record);
            throw;
        }
        return mounts_of(record);
    }

    std::vector<Mount> mounts(const std::string& key, Durability durability) override {
        const auto record = catalog_.get(key);
        if (record.kind == Kind::committed) {
            throw Error(ErrorKind::failed_precondition,
                        "snapshot {} is committed; prepare a view of it", key);
        }
        forget_volatile_mount(catalog_.directory(record.id) / "work");
        auto mounts = mounts_of(record);
        if (durability == Durability::rebuildable && volatile_ &&
            mounts.front().type == "overlay" && record.kind == Kind::active) {
            mounts.front().options.emplace_back("volatile");
        }
        return mounts;
    }

    void commit(const std::string& name, const std::string& key) override {
        catalog_.commit(name, key);
    }
    [[nodiscard]] bool can_rebase() const override { return true; }
    void rebase(const std::string& key, const std::string& parent) override {
        catalog_.rebase(key, parent);
    }
    std::optional<TempDir> remove(const std::string& key) override {
        return TempDir::adopt(catalog_.take_out(key));
    }
    std::optional<Info> stat(const std::string& key) override { return catalog_.stat(key); }
    Usage usage(const std::string& key) override { return usage_of(files(catalog_.get(key).id)); }
    std::vector<Info> list() override { return catalog_.list(); }

    archive::LayerTree tree(const std::string& key) override {
        const auto record = catalog_.get(key);
        archive::LayerTree out{.root = open_files(record.id), .form = archive::LayerForm::overlay};
        for (const auto id : catalog_.ancestors(record)) out.lowers.push_back(open_files(id));
        return out;
    }

private:
    [[nodiscard]] fs::path files(std::uint64_t id) const { return catalog_.directory(id) / "fs"; }
    [[nodiscard]] Fd open_files(std::uint64_t id) const {
        return open_file(files(id).string(), O_RDONLY | O_DIRECTORY);
    }

    /// The merged root shows the uppermost layer's owner and mode.
    static void inherit_root(const fs::path& own, const fs::path& parent) {
        struct stat info {};
        if (::stat(parent.c_str(), &info) != 0) throw SysError("look at {}", parent.string());
        if (::chown(own.c_str(), info.st_uid, info.st_gid) != 0 ||
            ::chmod(own.c_str(), info.st_mode & 07777U) != 0) {
            throw SysError("set owner and mode of {}", own.string());
        }
    }

    [[nodiscard]] std::vector<Mount> mounts_of(const Catalog::Record& record) const {
        const auto parents = catalog_.ancestors(record);
        const bool read_only = record.kind == Kind::view;
        if (parents.empty()) return bind_mount(files(record.id), read_only);
        if (read_only && parents.size() == 1) return bind_mount(files(parents.front()), true);
        std::vector<std::string> lowers;
        for (const auto id : parents) lowers.push_back(files(id).string());
        Mount mount{.type = "overlay", .source = "overlay", .options = options_};
        if (!read_only) {
            mount.options.push_back("workdir=" + (catalog_.directory(record.id) / "work").string());
            mount.options.push_back("upperdir=" + files(record.id).string());
        }
        mount.options.push_back("lowerdir=" + join(lowers, ":"));
        return {std::move(mount)};
    }

    Catalog catalog_;
    std::vector<std::string> options_;
    const bool volatile_ = knows_volatile();
};

}  // namespace

std::unique_ptr<Snapshotter> make_overlay(const fs::path& root) {
    // These separate the parts of mount options and cannot be written in them portably.
    if (root.string().find_first_of(":,\\") != std::string::npos) {
        throw Error(ErrorKind::invalid_argument,
                    "overlay cannot live in {}: its path contains ':', ',' or '\\'", root.string());
    }
    return std::make_unique<Overlay>(root);
}

}  // namespace brig::snapshot
