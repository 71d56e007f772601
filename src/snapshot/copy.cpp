// The drivers whose ROOT/N/fs is the whole tree of snapshot N. copy: its files copied one by one,
// slow and plain, for file systems and kernels that offer nothing better; with reflinks (xfs, zfs)
// it costs only metadata. btrfs: a subvolume, copied at once.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "os/file_flags.h"
#include "os/subvolume.h"
#include "snapshot/catalog.h"
#include "snapshot/copy_tree.h"
#include "snapshot/drivers.h"

namespace brig::snapshot {
namespace fs = std::filesystem;
namespace {

class WholeTrees : public Snapshotter {
public:
    WholeTrees(const fs::path& root, bool subvolumes) : catalog_(root), subvolumes_(subvolumes) {}

    std::vector<Mount> prepare(const std::string& key, const std::optional<std::string>& parent,
                               Kind kind, std::optional<std::uint64_t> limit) override {
        if (limit && !subvolumes_) refuse_limit("copy");
        const auto record = catalog_.reserve(key, parent, kind);
        try {
            // A view reads its parent's files in place.
            if (kind == Kind::active || !record.parent) fill(record);
            if (limit) os::limit_subvolume(open_files(record.id).get(), *limit);
            catalog_.publish(record);
        } catch (...) {
            catalog_.abandon(record);
            throw;
        }
        return mounts_of(record);
    }

    std::vector<Mount> mounts(const std::string& key, Durability) override {
        const auto record = catalog_.get(key);
        if (record.kind == Kind::committed) {
            throw Error(ErrorKind::failed_precondition,
                        "snapshot {} is committed; prepare a view of it", key);
        }
        return mounts_of(record);
    }

    void commit(const std::string& name, const std::string& key) override {
        catalog_.commit(name, key);
    }
    std::optional<TempDir> remove(const std::string& key) override {
        auto out = TempDir::adopt(catalog_.take_out(key));
        if (subvolumes_) drop_subvolume(out.path());
        os::unprotect_tree(out.path());
        return out;
    }
    std::optional<Info> stat(const std::string& key) override { return catalog_.stat(key); }
    Usage usage(const std::string& key) override {
        const auto record = catalog_.get(key);
        return record.kind == Kind::view ? Usage{} : usage_of(files(record.id), filled(record));
    }
    std::vector<Info> list() override { return catalog_.list(); }

    archive::LayerTree tree(const std::string& key) override {
        const auto record = catalog_.get(key);
        archive::LayerTree out{.root = open_files(source_of(record)),
                               .form = archive::LayerForm::full};
        if (record.parent) out.lowers.push_back(open_files(*record.parent));
        out.filled = filled(record);
        return out;
    }

private:
    [[nodiscard]] fs::path files(std::uint64_t id) const { return catalog_.directory(id) / "fs"; }
    [[nodiscard]] Fd open_files(std::uint64_t id) const {
        return open_file(files(id).string(), O_RDONLY | O_DIRECTORY);
    }
    /// Made when all files had been copied.
    [[nodiscard]] fs::path filled_mark(std::uint64_t id) const {
        return catalog_.directory(id) / "filled";
    }
    [[nodiscard]] std::optional<timespec> filled(const Catalog::Record& record) const {
        struct stat info {};
        if (::stat(filled_mark(record.id).c_str(), &info) != 0) return std::nullopt;
        return info.st_ctim;
    }
    [[nodiscard]] static std::uint64_t source_of(const Catalog::Record& record) {
        return record.kind == Kind::view && record.parent ? *record.parent : record.id;
    }

    void fill(const Catalog::Record& record) const {
        if (subvolumes_) {
            fill_subvolume(record);
        } else {
            fill_by_copying(record);
        }
        if (record.parent)
            (void)open_file(filled_mark(record.id).string(), O_WRONLY | O_CREAT, 0600);
    }
    void fill_by_copying(const Catalog::Record& record) const {
        const fs::path own = files(record.id);
        if (::mkdir(own.c_str(), 0755) != 0 || ::chmod(own.c_str(), 0755) != 0) {
            throw SysError("create directory {}", own.string());
        }
        if (record.parent) copy_tree(open_files(*record.parent), open_files(record.id));
    }
    void fill_subvolume(const Catalog::Record& record) const {
        const Fd directory =
            open_file(catalog_.directory(record.id).string(), O_RDONLY | O_DIRECTORY);
        if (record.parent) {
            os::copy_subvolume(open_files(*record.parent).get(), directory.get(), "fs");
        } else {
            os::make_subvolume(directory.get(), "fs");
        }
    }
    /// At once, where a view or a subvolume of the container's own does not stand in the way: then
    /// what is left goes file by file.
    static void drop_subvolume(const fs::path& snapshot) {
        try {
            os::remove_subvolume(open_file(snapshot.string(), O_RDONLY | O_DIRECTORY).get(), "fs");
        } catch (const SysError& e) {
            log::debug("{}", e.message());
        }
    }

    [[nodiscard]] std::vector<Mount> mounts_of(const Catalog::Record& record) const {
        return bind_mount(files(source_of(record)), record.kind == Kind::view);
    }

    Catalog catalog_;
    bool subvolumes_;
};

}  // namespace

std::unique_ptr<Snapshotter> make_copy(const fs::path& root) {
    return std::make_unique<WholeTrees>(root, false);
}

std::unique_ptr<Snapshotter> make_btrfs(const fs::path& root) {
    make_directories(root, 0700);
    if (!os::has_subvolumes(root.string())) {
        throw Error(ErrorKind::failed_precondition,
                    "{} is not on btrfs; put it there, or choose another storage driver",
                    root.string());
    }
    return std::make_unique<WholeTrees>(root, true);
}

}  // namespace brig::snapshot
