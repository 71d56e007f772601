// Any driver, with its files in the numbers of a user namespace.
#include <unistd.h>

#include <utility>

#include "base/defer.h"
#include "base/error.h"
#include "snapshot/snapshotter.h"

namespace brig::snapshot {
namespace {

using archive::To;

class WithOwners : public Snapshotter {
public:
    WithOwners(std::unique_ptr<Snapshotter> driver, archive::OwnerMap owners)
        : driver_(std::move(driver)),
          owners_(std::move(owners)),
          user_(owners_.user(0, To::disk)),
          group_(owners_.group(0, To::disk)) {}

    /// What has a parent gets the owner of that one's root.
    std::vector<Mount> prepare(const std::string& key, const std::optional<std::string>& parent,
                               Kind kind, std::optional<std::uint64_t> limit) override {
        auto mounts = driver_->prepare(key, parent, kind, limit);
        if (parent) return mounts;
        Defer undo([&] { driver_->remove(key); });
        if (::fchown(driver_->tree(key).root.get(), user_, group_) != 0)
            throw SysError("give snapshot {} to the root of its user namespace", key);
        undo.dismiss();
        return mounts;
    }
    archive::LayerTree tree(const std::string& key) override {
        auto out = driver_->tree(key);
        out.owners = owners_;
        return out;
    }
    [[nodiscard]] const archive::OwnerMap& owners() const override { return owners_; }

    std::vector<Mount> mounts(const std::string& key, Durability durability) override {
        return driver_->mounts(key, durability);
    }
    void commit(const std::string& name, const std::string& key) override {
        driver_->commit(name, key);
    }
    [[nodiscard]] bool can_rebase() const override { return driver_->can_rebase(); }
    void rebase(const std::string& key, const std::string& parent) override {
        driver_->rebase(key, parent);
    }
    std::optional<TempDir> remove(const std::string& key) override { return driver_->remove(key); }
    std::optional<Info> stat(const std::string& key) override { return driver_->stat(key); }
    Usage usage(const std::string& key) override { return driver_->usage(key); }
    std::vector<Info> list() override { return driver_->list(); }

private:
    std::unique_ptr<Snapshotter> driver_;
    archive::OwnerMap owners_;
    std::uint32_t user_, group_;
};

}  // namespace

std::unique_ptr<Snapshotter> with_owners(std::unique_ptr<Snapshotter> driver,
                                         archive::OwnerMap owners) {
    return std::make_unique<WithOwners>(std::move(driver), std::move(owners));
}

}  // namespace brig::snapshot
