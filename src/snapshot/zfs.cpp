// The zfs driver: snapshot number N is the dataset BASE/brig-NAME-N, a clone of its parent's ZFS
// snapshot @clean, mounted at ROOT-mounts/N. BASE is the dataset that ROOT lies on, and NAME tells
// the engines apart that keep theirs there.
#include <fcntl.h>
#include <sys/statvfs.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random.h"
#include "base/strings.h"
#include "snapshot/catalog.h"
#include "snapshot/drivers.h"
#include "snapshot/leftovers.h"

namespace brig::snapshot {
namespace fs = std::filesystem;
namespace {

/// Kept: what a start finds under this name and does not know is an unfinished piece of its own.
std::string name_of_engine(const fs::path& mounts) {
    const auto file = mounts / "name";
    if (!fs::exists(file)) write_file_atomic(file, random_hex(4) + "\n", 0600);
    return std::string(trim(read_file(file, 64)));
}

using Clock = std::chrono::steady_clock;

/// What each dataset has of its own. Asked for all at once and kept for a moment, so that a list of
/// containers with their sizes takes one process: ZFS itself counts some seconds late.
class UsedBytes {
public:
    UsedBytes(const RunZfs& run, std::string base) : run_(run), base_(std::move(base)) {}

    std::uint64_t of(const std::string& dataset) {
        const std::scoped_lock lock(mutex_);
        if (!asked_ || Clock::now() - *asked_ > std::chrono::seconds(2)) {
            bytes_.clear();
            ask({"-r", "-d", "1"}, base_);
            asked_ = Clock::now();
        }
        if (!bytes_.contains(dataset)) ask({}, dataset);  // made in this moment
        return bytes_[dataset];
    }

private:
    void ask(std::vector<std::string> depth, const std::string& dataset) {
        std::vector<std::string> words{"get", "-H", "-p"};
        words.insert(words.end(), depth.begin(), depth.end());
        words.insert(words.end(), {"-o", "name,value", "used", dataset});
        for (const auto& line : split(run_(words), '\n')) {
            const auto fields = split(line, '\t');
            if (fields.size() != 2) continue;
            bytes_[fields[0]] = parse_int<std::uint64_t>(fields[1]).value_or(0);
        }
    }

    const RunZfs& run_;
    std::string base_;
    std::mutex mutex_;
    std::map<std::string, std::uint64_t> bytes_;
    std::optional<Clock::time_point> asked_;
};

class Zfs : public Snapshotter {
public:
    Zfs(const fs::path& root, RunZfs run)
        : run_(std::move(run)),
          catalog_(root),
          mounts_(root.string() + "-mounts"),
          base_(os::zfs_dataset_of(root.string())),
          used_(run_, base_) {
        make_directories(mounts_, 0700);
        prefix_ = fmt::format("{}/brig-{}-", base_, name_of_engine(mounts_));
        remove_unknown();
    }

    std::vector<Mount> prepare(const std::string& key, const std::optional<std::string>& parent,
                               Kind kind, std::optional<std::uint64_t> limit) override {
        const auto record = catalog_.reserve(key, parent, kind);
        try {
            create(record, limit);
            catalog_.publish(record);
        } catch (...) {
            destroy(record.id);
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
        const auto record = catalog_.get(key);
        // What cannot be is said before anything is touched: others may be clones of its @clean.
        if (record.kind != Kind::active || catalog_.stat(name)) return catalog_.commit(name, key);
        const auto set = dataset(record.id);
        // What clones will be made of comes first: a committed record always has it.
        take_clean_snapshot(set);
        catalog_.commit(name, key);
        run_({"set", "readonly=on", set});
    }

    std::optional<TempDir> remove(const std::string& key) override {
        const auto id = catalog_.get(key).id;
        auto directory = catalog_.take_out(key);
        destroy(id);
        return TempDir::adopt(std::move(directory));
    }

    std::optional<Info> stat(const std::string& key) override { return catalog_.stat(key); }

    Usage usage(const std::string& key) override {
        const auto record = catalog_.get(key);
        const auto own = objects(record.id);
        const auto inherited = record.parent ? objects(*record.parent) : 0;
        try {
            // Of a clone, what it does not share with its origin.
            return {used_.of(dataset(record.id)), own > inherited ? own - inherited : 0};
        } catch (const Error&) {
            (void)catalog_.get(key);  // not_found, where it was removed in this moment
            throw;
        }
    }

    std::vector<Info> list() override { return catalog_.list(); }

    /// What changed is for a walk of both trees to find, as of any driver. `zfs diff` looks a file
    /// up in the directory where it got its latest name: once that name is gone, what is written to
    /// the file is not listed, with nothing said and exit code 0. And it has the kernel join the
    /// names on each path, of which a container makes more than there is room for. (OpenZFS 2.4)
    archive::LayerTree tree(const std::string& key) override {
        const auto record = catalog_.get(key);
        archive::LayerTree out{
            .root = open_files(record.id), .lowers = {}, .form = archive::LayerForm::full};
        if (record.parent) out.lowers.push_back(open_files(*record.parent));
        return out;
    }

private:
    void take_clean_snapshot(const std::string& set) const {
        try {
            run_({"snapshot", set + "@clean"});
            return;
        } catch (const Error&) {
        }
        // There may be one, of a commit that was not finished. If not, the second snapshot fails as
        // the first did. Somebody may hold it: it gives up the name, and goes when it is let go.
        const std::string stale = set + "@stale-" + random_hex(4);
        try {
            run_({"rename", set + "@clean", stale});
            run_({"destroy", "-d", stale});
        } catch (const Error& e) {
            log::debug("{}", e.message());
        }
        run_({"snapshot", set + "@clean"});
    }
    [[nodiscard]] std::string dataset(std::uint64_t id) const {
        return prefix_ + std::to_string(id);
    }
    [[nodiscard]] fs::path files(std::uint64_t id) const { return mounts_ / std::to_string(id); }
    [[nodiscard]] Fd open_files(std::uint64_t id) const {
        return open_file(files(id).string(), O_RDONLY | O_DIRECTORY);
    }

    /// Files and directories of all its layers.
    [[nodiscard]] std::uint64_t objects(std::uint64_t id) const {
        struct statvfs info {};
        if (::statvfs(files(id).c_str(), &info) != 0)
            throw SysError("look at {}", files(id).string());
        return info.f_files - info.f_ffree;
    }

    [[nodiscard]] std::vector<Mount> mounts_of(const Catalog::Record& record) const {
        return bind_mount(files(record.id), record.kind == Kind::view);
    }

    void create(const Catalog::Record& record, std::optional<std::uint64_t> limit) {
        if (attributes_in_inodes_) {
            try {
                run_(words_to_create(record, limit));
                return;
            } catch (const Error& error) {
                if (error.message().find("'xattr'") == std::string::npos) throw;
            }
            attributes_in_inodes_ = false;  // zfs-fuse
        }
        run_(words_to_create(record, limit));
    }
    [[nodiscard]] std::vector<std::string> words_to_create(
        const Catalog::Record& record, std::optional<std::uint64_t> limit) const {
        std::vector<std::string> words{record.parent ? "clone" : "create", "-o",
                                       "mountpoint=" + files(record.id).string(), "-o",
                                       "atime=off"};
        // Kept as files of their own (the default before OpenZFS 2.3, and for more than 32 kB),
        // attributes change and leave the file as old as it was: differences would not see it.
        if (attributes_in_inodes_) words.insert(words.end(), {"-o", "xattr=sa"});
        if (record.kind == Kind::view) words.insert(words.end(), {"-o", "readonly=on"});
        // Of a clone, what it does not share with its origin counts.
        if (limit) words.insert(words.end(), {"-o", "quota=" + std::to_string(*limit)});
        if (record.parent) words.push_back(dataset(*record.parent) + "@clean");
        words.push_back(dataset(record.id));
        return words;
    }

    /// Absent is fine. What cannot be destroyed now is tried again, see Leftovers. Not `destroy
    /// -d`: it takes snapshots alone, and the dataset has to go as well.
    void destroy(std::uint64_t id) {
        try {
            destroy_now(id);
        } catch (const std::exception& error) {
            log::warn("snapshot {} is gone, its dataset goes later: {}", id, error.what());
            leftovers_.add(id);
        }
    }
    void destroy_now(std::uint64_t id) const {
        try {
            run_({"destroy", "-r", "-f", dataset(id)});
        } catch (const Error& error) {
            if (error.message().find("does not exist") == std::string::npos) throw;
        }
        fs::remove(files(id));
    }

    /// Datasets whose record is gone or was never written. Children have higher numbers than their
    /// parents, so the highest goes first.
    void remove_unknown() {
        std::set<std::uint64_t> known;
        for (const auto& info : catalog_.list()) known.insert(catalog_.get(info.key).id);
        std::set<std::uint64_t, std::greater<>> unknown;
        for (const auto& name :
             split(run_({"list", "-H", "-o", "name", "-r", "-d", "1", base_}), '\n')) {
            const auto id =
                name.starts_with(prefix_)
                    ? parse_int<std::uint64_t>(std::string_view(name).substr(prefix_.size()))
                    : std::nullopt;
            if (id && !known.contains(*id)) unknown.insert(*id);
        }
        for (const auto id : unknown) destroy(id);
        if (!unknown.empty()) catalog_.skip(*unknown.begin());  // what stays has its name
    }

    RunZfs run_;
    Catalog catalog_;
    fs::path mounts_;
    std::string base_;
    std::string prefix_;
    UsedBytes used_;
    std::atomic<bool> attributes_in_inodes_ = true;
    Leftovers leftovers_{[this](std::uint64_t id) { destroy_now(id); }};  ///< last: it runs
};

}  // namespace

std::unique_ptr<Snapshotter> make_zfs(const fs::path& root, RunZfs run) {
    return std::make_unique<Zfs>(root, std::move(run));
}

}  // namespace brig::snapshot
