// The copy driver: ROOT/N/fs is the whole tree of snapshot N. Slow and plain, for file systems and
// kernels that offer nothing better; with reflinks (btrfs, xfs, zfs) it costs only metadata.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "snapshot/catalog.h"
#include "snapshot/copy_tree.h"
#include "snapshot/drivers.h"

namespace brig::snapshot {
namespace fs = std::filesystem;
namespace {

class Copy : public Snapshotter {
public:
    explicit Copy(const fs::path& root) : catalog_(root) {}

    std::vector<Mount> prepare(const std::string& key, const std::optional<std::string>& parent,
                               Kind kind) override {
        const auto record = catalog_.reserve(key, parent, kind);
        try {
            // A view reads its parent's files in place.
            if (kind == Kind::active || !record.parent) fill(record);
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
        return TempDir::adopt(catalog_.take_out(key));
    }
    std::optional<Info> stat(const std::string& key) override { return catalog_.stat(key); }
    Usage usage(const std::string& key) override {
        const auto record = catalog_.get(key);
        return record.kind == Kind::view ? Usage{} : usage_of(files(record.id));
    }
    std::vector<Info> list() override { return catalog_.list(); }

    archive::LayerTree tree(const std::string& key) override {
        const auto record = catalog_.get(key);
        archive::LayerTree out{.root = open_files(source_of(record)),
                               .form = archive::LayerForm::full};
        if (!record.parent) return out;
        out.lowers.push_back(open_files(*record.parent));
        struct stat info {};
        if (::stat(filled_mark(record.id).c_str(), &info) == 0) out.filled = info.st_ctim;
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
    [[nodiscard]] static std::uint64_t source_of(const Catalog::Record& record) {
        return record.kind == Kind::view && record.parent ? *record.parent : record.id;
    }

    void fill(const Catalog::Record& record) const {
        const fs::path own = files(record.id);
        if (::mkdir(own.c_str(), 0755) != 0 || ::chmod(own.c_str(), 0755) != 0) {
            throw SysError("create directory {}", own.string());
        }
        if (!record.parent) return;
        copy_tree(open_files(*record.parent), open_files(record.id));
        (void)open_file(filled_mark(record.id).string(), O_WRONLY | O_CREAT, 0600);
    }

    [[nodiscard]] std::vector<Mount> mounts_of(const Catalog::Record& record) const {
        return bind_mount(files(source_of(record)), record.kind == Kind::view);
    }

    Catalog catalog_;
};

}  // namespace

std::unique_ptr<Snapshotter> make_copy(const fs::path& root) {
    return std::make_unique<Copy>(root);
}

}  // namespace brig::snapshot
