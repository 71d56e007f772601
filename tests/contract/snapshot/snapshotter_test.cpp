// What every snapshotter must do, after the cases of containerd's suite. A platform's own driver
// joins by a name in support/drivers.h.
#include "snapshot/snapshotter.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <thread>

#include "archive/layer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/random.h"
#include "base/strings.h"
#include "os/file_flags.h"
#include "os/mounts.h"
#include "support/drivers.h"
#include "support/tar_builder.h"

namespace brig::snapshot {
namespace {

namespace fs = std::filesystem;
using brig::testing::TarBuilder;
using ::testing::UnorderedElementsAre;

/// The mounts of a snapshot, mounted for the lifetime of the object.
class Mounted {
public:
    Mounted(const std::vector<Mount>& mounts, fs::path target) : target_(std::move(target)) {
        fs::create_directories(target_);
        try {
            for (const auto& mount : mounts) os::mount_at(mount, target_);
            ok_ = true;
        } catch (const SysError&) {
            // Asked for by ok().
        }
    }
    ~Mounted() {
        if (ok_) os::unmount(target_);
    }
    Mounted(const Mounted&) = delete;
    Mounted& operator=(const Mounted&) = delete;
    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] fs::path path(const char* name = "") const { return target_ / name; }

private:
    fs::path target_;
    bool ok_ = false;
};

class SnapshotContract : public ::testing::TestWithParam<const char*> {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "mounting takes root";
        open();
        const Mounted probe(driver_->prepare("probe", std::nullopt), work_.path() / "probe");
        if (!probe.ok()) GTEST_SKIP() << "this host does not allow mounts";
    }
    /// All of them, children first: datasets outlive a temporary directory.
    void TearDown() override {
        for (bool removed = driver_ != nullptr; removed;) {
            removed = false;
            for (const auto& info : driver_->list()) {
                if (kind_of([&] { driver_->remove(info.key); }) == ErrorKind::cancelled)
                    removed = true;
            }
        }
    }
    void open() { driver_ = make_snapshotter(GetParam(), work_.path() / "snapshots"); }

    /// Writes in an active snapshot through its mount.
    void change(const std::string& key, const std::function<void(const fs::path&)>& action) {
        const Mounted mounted(driver_->mounts(key), work_.path() / "mnt");
        ASSERT_TRUE(mounted.ok()) << key;
        action(mounted.path());
    }
    void layer(const std::string& name, const std::optional<std::string>& parent,
               const std::function<void(const fs::path&)>& action) {
        driver_->prepare(name + "-active", parent);
        change(name + "-active", action);
        driver_->commit(name, name + "-active");
    }
    std::string content(const std::string& key, const char* file) {
        const Mounted mounted(driver_->mounts(key), work_.path() / "mnt");
        return fs::exists(mounted.path(file)) ? read_file(mounted.path(file)) : "absent";
    }
    static void put(const fs::path& path, std::string_view text) {
        fs::create_directories(path.parent_path());
        write_file_atomic(path, text, 0644, Durability::rebuildable);
    }
    ErrorKind kind_of(const std::function<void()>& action) {
        try {
            action();
        } catch (const Error& e) {
            return e.kind();
        }
        return ErrorKind::cancelled;
    }

    TempDir work_{fs::temp_directory_path(), "brig-snapshot-contract"};
    std::unique_ptr<Snapshotter> driver_;
};

TEST_P(SnapshotContract, LayersStack) {
    layer("one", std::nullopt, [](const fs::path& root) {
        put(root / "a", "1");
        put(root / "d/x", "1");
    });
    layer("two", "one", [](const fs::path& root) {
        put(root / "a", "2");
        put(root / "b", "2");
    });
    driver_->prepare("top", "two");
    EXPECT_EQ(content("top", "a"), "2");
    EXPECT_EQ(content("top", "b"), "2");
    EXPECT_EQ(content("top", "d/x"), "1");
    driver_->prepare("below", "one");
    EXPECT_EQ(content("below", "a"), "1");
    EXPECT_EQ(content("below", "b"), "absent");
}

TEST_P(SnapshotContract, ChangesStayInTheirSnapshot) {
    layer("base", std::nullopt, [](const fs::path& root) { put(root / "a", "base"); });
    driver_->prepare("c1", "base");
    driver_->prepare("c2", "base");
    change("c1", [](const fs::path& root) { put(root / "a", "c1"); });
    EXPECT_EQ(content("c1", "a"), "c1");
    EXPECT_EQ(content("c2", "a"), "base");
}

/// As a program in a container can make them. Neither stack nor descriptors are to run out.
TEST_P(SnapshotContract, DirectoriesNestedWithoutEndAreCountedAndRemoved) {
    constexpr int levels = 5000;
    driver_->prepare("deep", std::nullopt);
    change("deep", [](const fs::path& root) {
        Fd at = open_file(root.string(), O_RDONLY | O_DIRECTORY);
        for (int i = 0; i < levels; ++i) {
            ASSERT_EQ(::mkdirat(at.get(), "d", 0755), 0);
            at = open_at(at.get(), "d", O_RDONLY | O_DIRECTORY);
        }
    });
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    rlimit few = before;
    few.rlim_cur = 1000;
    ::setrlimit(RLIMIT_NOFILE, &few);
    // ZFS is asked and walks nothing; zfs-fuse's answer lags behind by more than a test can wait.
    EXPECT_GT(driver_->usage("deep").inodes, GetParam() == "zfs" ? 0U : 200U);
    driver_->remove("deep");
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_TRUE(fs::is_empty(work_.path() / "mnt"));
    for (const auto& entry : fs::directory_iterator(work_.path() / "snapshots"))
        EXPECT_FALSE(entry.path().filename().string().starts_with("rm-")) << entry.path();
}

TEST_P(SnapshotContract, DeletedFilesStayDeleted) {
    layer("base", std::nullopt, [](const fs::path& root) {
        put(root / "f", "x");
        put(root / "d/f", "x");
    });
    layer("less", "base", [](const fs::path& root) {
        fs::remove(root / "f");
        fs::remove_all(root / "d");
    });
    driver_->prepare("c", "less");
    EXPECT_EQ(content("c", "f"), "absent");
    EXPECT_EQ(content("c", "d/f"), "absent");
    layer("again", "less", [](const fs::path& root) { put(root / "d/new", "n"); });
    driver_->prepare("c2", "again");
    EXPECT_EQ(content("c2", "d/f"), "absent");
    EXPECT_EQ(content("c2", "d/new"), "n");
}

TEST_P(SnapshotContract, DirectoryOwnersAndModesAreKept) {
    layer("base", std::nullopt, [](const fs::path& root) {
        fs::create_directory(root / "d");
        ASSERT_EQ(::chown((root / "d").c_str(), 5, 6), 0);
        ASSERT_EQ(::chmod((root / "d").c_str(), 01770), 0);
        ASSERT_EQ(::chmod(root.c_str(), 0711), 0);
    });
    driver_->prepare("c", "base");
    const Mounted mounted(driver_->mounts("c"), work_.path() / "mnt");
    struct stat info {};
    ASSERT_EQ(::stat(mounted.path("d").c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, 5U);
    EXPECT_EQ(info.st_gid, 6U);
    EXPECT_EQ(info.st_mode & 07777U, 01770U);
    ASSERT_EQ(::stat(mounted.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777U, 0711U) << "the root's own mode";
}

TEST_P(SnapshotContract, RenamesAcrossLayers) {
    layer("base", std::nullopt, [](const fs::path& root) { put(root / "a/f", "x"); });
    layer("moved", "base", [](const fs::path& root) {
        put(root / "b", "y");
        fs::rename(root / "a/f", root / "g");
    });
    driver_->prepare("c", "moved");
    EXPECT_EQ(content("c", "g"), "x");
    EXPECT_EQ(content("c", "a/f"), "absent");
}

TEST_P(SnapshotContract, ViewsAreReadOnly) {
    layer("base", std::nullopt, [](const fs::path& root) { put(root / "a", "x"); });
    layer("two", "base", [](const fs::path& root) { put(root / "b", "y"); });
    const Mounted mounted(driver_->prepare("view", "two", Kind::view), work_.path() / "view");
    ASSERT_TRUE(mounted.ok());
    EXPECT_EQ(read_file(mounted.path("a")), "x");
    EXPECT_EQ(read_file(mounted.path("b")), "y");
    EXPECT_THROW(put(mounted.path("c"), "z"), Error);
    EXPECT_EQ(kind_of([&] { driver_->commit("x", "view"); }), ErrorKind::failed_precondition);
    EXPECT_EQ(driver_->stat("view")->kind, Kind::view);
}

TEST_P(SnapshotContract, StatTellsKindAndParent) {
    layer("base", std::nullopt, [](const fs::path&) {});
    driver_->prepare("c", "base");
    EXPECT_EQ(driver_->stat("base")->kind, Kind::committed);
    EXPECT_FALSE(driver_->stat("base")->parent);
    EXPECT_EQ(driver_->stat("c")->kind, Kind::active);
    EXPECT_EQ(driver_->stat("c")->parent, "base");
    EXPECT_FALSE(driver_->stat("base-active")) << "commit takes the key away";
    EXPECT_FALSE(driver_->stat("nothing"));
    std::vector<std::string> keys;
    for (const auto& info : driver_->list()) keys.push_back(info.key);
    EXPECT_THAT(keys, UnorderedElementsAre("probe", "base", "c"));
}

TEST_P(SnapshotContract, ParentsOfParentsAreTold) {
    layer("one", std::nullopt, [](const fs::path& root) { put(root / "a", "1"); });
    layer("two", "one", [](const fs::path& root) { put(root / "a", "1 2"); });
    driver_->prepare("three", "two");
    EXPECT_EQ(driver_->stat("three")->parent, "two");
    EXPECT_EQ(driver_->stat(*driver_->stat("three")->parent)->parent, "one");
    EXPECT_FALSE(driver_->stat("one")->parent);
    std::map<std::string, Kind> kinds;
    for (const auto& info : driver_->list()) {
        const auto again = driver_->stat(info.key);
        ASSERT_TRUE(again);
        EXPECT_EQ(again->parent, info.parent);
        EXPECT_EQ(again->created, info.created);
        EXPECT_GT(info.created, Instant{});
        kinds.emplace(info.key, info.kind);
    }
    EXPECT_EQ(kinds.size(), 4U);
    EXPECT_EQ(kinds.at("two"), Kind::committed);
    EXPECT_EQ(kinds.at("three"), Kind::active);
}

TEST_P(SnapshotContract, AKeyIsTakenByAnyKind) {
    layer("base", std::nullopt, [](const fs::path&) {});
    driver_->prepare("active", "base");
    driver_->prepare("view", "base", Kind::view);
    for (const char* key : {"active", "view", "base"}) {
        for (const Kind kind : {Kind::active, Kind::view}) {
            EXPECT_EQ(kind_of([&] { driver_->prepare(key, "base", kind); }),
                      ErrorKind::already_exists)
                << key;
        }
    }
    driver_->remove("active");
    driver_->prepare("active", "base", Kind::view);
    EXPECT_EQ(driver_->stat("active")->kind, Kind::view);
}

TEST_P(SnapshotContract, ARootIsNobodysButReadableByAll) {
    const auto old = ::umask(077);
    driver_->prepare("fresh", std::nullopt);
    driver_->prepare("seen", std::nullopt, Kind::view);
    ::umask(old);
    for (const char* key : {"fresh", "seen"}) {
        const Mounted mounted(driver_->mounts(key), work_.path() / "mnt");
        struct stat info {};
        ASSERT_EQ(::stat(mounted.path().c_str(), &info), 0);
        EXPECT_EQ(info.st_mode & 07777U, 0755U) << key;
        EXPECT_EQ(info.st_uid, 0U);
    }
}

TEST_P(SnapshotContract, OwnersChangeInTheUpperLayerOnly) {
    layer("base", std::nullopt, [](const fs::path& root) {
        put(root / "opt/a/f", "x");
        put(root / "opt/g", "x");
    });
    layer("owned", "base", [](const fs::path& root) {
        ASSERT_EQ(::chown((root / "opt").c_str(), 1, 1), 0);
        ASSERT_EQ(::chown((root / "opt/a/f").c_str(), 2, 3), 0);
    });
    const auto owner = [&](const char* key, const char* file) {
        driver_->prepare(key, std::string(key) == "below" ? "base" : "owned");
        const Mounted mounted(driver_->mounts(key), work_.path() / "mnt");
        struct stat info {};
        EXPECT_EQ(::stat(mounted.path(file).c_str(), &info), 0);
        driver_->remove(key);
        return std::pair(info.st_uid, info.st_gid);
    };
    EXPECT_EQ(owner("above", "opt"), std::pair(uid_t{1}, gid_t{1}));
    EXPECT_EQ(owner("above", "opt/a/f"), std::pair(uid_t{2}, gid_t{3}));
    EXPECT_EQ(owner("above", "opt/g"), std::pair(uid_t{0}, gid_t{0}));
    EXPECT_EQ(owner("below", "opt/a/f"), std::pair(uid_t{0}, gid_t{0}));
}

TEST_P(SnapshotContract, DirectoriesAreRenamedAndMadeAgain) {
    layer("base", std::nullopt, [](const fs::path& root) {
        put(root / "somefiles/x", "1");
        put(root / "dir/old", "1");
    });
    layer("moved", "base", [](const fs::path& root) {
        fs::copy(root / "somefiles", root / "moved", fs::copy_options::recursive);
        fs::remove_all(root / "somefiles");
        fs::remove_all(root / "dir");
        put(root / "dir/new", "2");
        fs::rename(root / "moved/x", root / "moved/y");
    });
    layer("file", "moved", [](const fs::path& root) {
        fs::remove_all(root / "dir");
        put(root / "dir", "now a file");
    });
    driver_->prepare("c", "moved");
    EXPECT_EQ(content("c", "moved/y"), "1");
    EXPECT_EQ(content("c", "somefiles/x"), "absent");
    EXPECT_EQ(content("c", "dir/old"), "absent");
    EXPECT_EQ(content("c", "dir/new"), "2");
    driver_->prepare("d", "file");
    EXPECT_EQ(content("d", "dir"), "now a file");
}

TEST_P(SnapshotContract, HolesStayHoles) {
    static constexpr off_t size = 64 << 20;
    const auto blocks_of = [](const fs::path& file) {
        struct stat info {};
        EXPECT_EQ(::stat(file.c_str(), &info), 0);
        EXPECT_EQ(info.st_size, size);
        return info.st_blocks * 512;
    };
    layer("base", std::nullopt, [&](const fs::path& root) {
        put(root / "sparse", "begin");
        put(root / "empty", "");
        ASSERT_EQ(::truncate((root / "sparse").c_str(), size), 0);
        ASSERT_EQ(::truncate((root / "empty").c_str(), size), 0);
        const Fd file = open_file((root / "sparse").string(), O_WRONLY);
        ASSERT_EQ(::pwrite(file.get(), "middle", 6, size / 2), 6);
    });
    // Above it, where a driver may have copied, and through a layer's tar into another snapshot.
    driver_->prepare("above", "base");
    std::string tar;
    archive::write_layer(driver_->tree("base"), [&](std::span<const std::byte> data) {
        tar.append(reinterpret_cast<const char*>(data.data()), data.size());
    });
    driver_->prepare("unpacked", std::nullopt);
    archive::apply_tar(*archive::from_memory(tar), driver_->tree("unpacked"));
    for (const char* key : {"above", "unpacked"}) {
        const Mounted mounted(driver_->mounts(key), work_.path() / "mnt");
        EXPECT_LT(blocks_of(mounted.path("sparse")), size / 8) << key;
        EXPECT_LT(blocks_of(mounted.path("empty")), size / 8) << key;
        const Fd file = open_file(mounted.path("sparse").string(), O_RDONLY);
        std::string text(6, '\0');
        ASSERT_EQ(::pread(file.get(), text.data(), 6, size / 2), 6);
        EXPECT_EQ(text, "middle");
        ASSERT_EQ(::pread(file.get(), text.data(), 6, 0), 6);
        EXPECT_EQ(text, std::string("begin\0", 6));
    }
}

TEST_P(SnapshotContract, ALimitHoldsOrIsRefusedByName) {
    constexpr std::uint64_t limit = 8U << 20U;
    layer("base", std::nullopt, [](const fs::path& root) { put(root / "a", "x"); });
    const std::string driver = GetParam();
    try {
        driver_->prepare("small", "base", Kind::active, limit);
    } catch (const Error& e) {
        EXPECT_EQ(e.kind(), ErrorKind::invalid_argument);
        EXPECT_NE(e.message().find("driver " + driver), std::string::npos) << e.message();
        EXPECT_TRUE(driver == "overlay" || driver == "copy") << e.message();
        EXPECT_FALSE(driver_->stat("small"));
        return;
    }
    const Mounted mounted(driver_->mounts("small"), work_.path() / "mnt");
    const Fd file = open_file(mounted.path("big").string(), O_WRONLY | O_CREAT, 0600);
    std::string noise;
    while (noise.size() < 1U << 20U) noise += random_hex(256);
    std::uint64_t written = 0;
    for (int failure = 0; failure == 0 && written < 4 * limit;) {
        const auto n = ::write(file.get(), noise.data(), noise.size());
        if (n > 0) written += static_cast<std::uint64_t>(n);
        // Both count when they write, not when they are told to.
        if (n < 0 || ::fsync(file.get()) != 0) failure = errno;
        if (failure != 0) {
            EXPECT_TRUE(failure == EDQUOT || failure == ENOSPC) << failure;
        }
    }
    EXPECT_LE(written, 2 * limit);
    EXPECT_EQ(read_file(mounted.path("a")), "x");
}

TEST_P(SnapshotContract, NeighboursOnOneFileSystemDoNotMeet) {
    layer("base", std::nullopt, [](const fs::path& root) { put(root / "a", "mine"); });
    const auto neighbour = make_snapshotter(GetParam(), work_.path() / "other");
    neighbour->prepare("base", std::nullopt);
    neighbour->remove("base");
    open();
    driver_->prepare("c", "base");
    EXPECT_EQ(content("c", "a"), "mine");
}

TEST_P(SnapshotContract, BadCallsAreNamed) {
    layer("base", std::nullopt, [](const fs::path&) {});
    driver_->prepare("c", "base");
    EXPECT_EQ(kind_of([&] { driver_->prepare("c", "base"); }), ErrorKind::already_exists);
    EXPECT_EQ(kind_of([&] { driver_->prepare("base", std::nullopt); }), ErrorKind::already_exists);
    EXPECT_EQ(kind_of([&] { driver_->prepare("d", "nothing"); }), ErrorKind::not_found);
    EXPECT_EQ(kind_of([&] { driver_->prepare("d", "c"); }), ErrorKind::failed_precondition);
    EXPECT_EQ(kind_of([&] { driver_->mounts("nothing"); }), ErrorKind::not_found);
    EXPECT_EQ(kind_of([&] { driver_->mounts("base"); }), ErrorKind::failed_precondition);
    EXPECT_EQ(kind_of([&] { driver_->commit("base", "c"); }), ErrorKind::already_exists);
    EXPECT_TRUE(driver_->stat("c")) << "a failed commit keeps the active snapshot";
    EXPECT_EQ(kind_of([&] { driver_->commit("x", "base"); }), ErrorKind::failed_precondition);
    EXPECT_EQ(kind_of([&] { driver_->commit("x", "nothing"); }), ErrorKind::not_found);
    EXPECT_EQ(kind_of([&] { driver_->remove("nothing"); }), ErrorKind::not_found);
    EXPECT_EQ(kind_of([&] { driver_->remove("base"); }), ErrorKind::failed_precondition);
    EXPECT_EQ(kind_of([&] { driver_->prepare("", "base"); }), ErrorKind::invalid_argument);
    EXPECT_EQ(kind_of([&] { driver_->prepare("a\nb", "base"); }), ErrorKind::invalid_argument);
}

TEST_P(SnapshotContract, GetsAParentLaterWhereItCan) {
    layer("base", std::nullopt, [](const fs::path& root) { put(root / "a", "base"); });
    driver_->prepare("beside", std::nullopt);
    change("beside", [](const fs::path& root) { put(root / "b", "beside"); });
    if (!driver_->can_rebase()) {
        EXPECT_EQ(kind_of([&] { driver_->rebase("beside", "base"); }), ErrorKind::not_implemented);
        return;
    }
    EXPECT_EQ(kind_of([&] { driver_->rebase("beside", "absent"); }), ErrorKind::not_found);
    EXPECT_EQ(kind_of([&] { driver_->rebase("beside", "probe"); }), ErrorKind::failed_precondition);
    driver_->rebase("beside", "base");
    EXPECT_EQ(kind_of([&] { driver_->rebase("beside", "base"); }), ErrorKind::failed_precondition);
    EXPECT_EQ(kind_of([&] { driver_->remove("base"); }), ErrorKind::failed_precondition);
    open();
    driver_->commit("top", "beside");
    EXPECT_EQ(driver_->stat("top")->parent, "base");
    driver_->prepare("child", "top");
    EXPECT_EQ(content("child", "a"), "base");
    EXPECT_EQ(content("child", "b"), "beside");
}

TEST_P(SnapshotContract, RemovalGoesFromTheTop) {
    layer("one", std::nullopt, [](const fs::path& root) { put(root / "a", "x"); });
    layer("two", "one", [](const fs::path&) {});
    EXPECT_EQ(kind_of([&] { driver_->remove("one"); }), ErrorKind::failed_precondition);
    driver_->remove("two");
    driver_->remove("one");
    driver_->remove("probe");
    EXPECT_TRUE(driver_->list().empty());
    EXPECT_TRUE(fs::is_empty(work_.path() / "snapshots"));
}

TEST_P(SnapshotContract, SurvivesReopening) {
    layer("base", std::nullopt, [](const fs::path& root) { put(root / "a", "x"); });
    driver_->prepare("c", "base");
    change("c", [](const fs::path& root) { put(root / "b", "y"); });
    open();
    EXPECT_EQ(content("c", "a"), "x");
    EXPECT_EQ(content("c", "b"), "y");
    driver_->commit("next", "c");
    open();
    EXPECT_EQ(driver_->stat("next")->kind, Kind::committed);
}

TEST_P(SnapshotContract, UsageIsOfTheSnapshotAlone) {
    // Nothing that a file system would compress.
    layer("base", std::nullopt, [](const fs::path& root) {
        std::string text;
        while (text.size() < 4U << 20U) text += random_hex(256);
        put(root / "a", text);
    });
    // ZFS counts blocks when they are written, some seconds later.
    for (int i = 0; i < 200 && driver_->usage("base").bytes < 1U << 20U; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_GE(driver_->usage("base").bytes, 1U << 20U);
    EXPECT_GE(driver_->usage("base").inodes, 1U);
    driver_->prepare("above", "base");
    EXPECT_LT(driver_->usage("above").bytes, 1U << 20U);
    EXPECT_EQ(kind_of([&] { driver_->usage("nothing"); }), ErrorKind::not_found);
}

TEST_P(SnapshotContract, ManyLayers) {
    std::optional<std::string> parent;
    for (int i = 0; i < 128; ++i) {
        const std::string name = "l" + std::to_string(i);
        layer(name, parent,
              [&](const fs::path& root) { put(root / ("f" + std::to_string(i)), "x"); });
        parent = name;
    }
    driver_->prepare("c", parent);
    EXPECT_EQ(content("c", "f0"), "x");
    EXPECT_EQ(content("c", "f127"), "x");
}

TEST_P(SnapshotContract, TreesUnpackAndDiff) {
    driver_->prepare("u1", std::nullopt);
    archive::apply_tar(*archive::from_memory(
                           TarBuilder().directory("d/").file("d/a", "1").file("d/b", "1").finish()),
                       driver_->tree("u1"));
    driver_->commit("l1", "u1");
    driver_->prepare("u2", "l1");
    archive::apply_tar(*archive::from_memory(
                           TarBuilder().directory("d/").file("d/.wh.a").file("d/c", "2").finish()),
                       driver_->tree("u2"));
    driver_->commit("l2", "u2");
    driver_->prepare("c", "l2");
    EXPECT_EQ(content("c", "d/a"), "absent");
    EXPECT_EQ(content("c", "d/b"), "1");
    EXPECT_EQ(content("c", "d/c"), "2");
    std::string tar;
    archive::write_layer(driver_->tree("l2"), [&](std::span<const std::byte> data) {
        tar.append(reinterpret_cast<const char*>(data.data()), data.size());
    });
    EXPECT_NE(tar.find("d/.wh.a"), std::string::npos);
    EXPECT_NE(tar.find("d/c"), std::string::npos);
    EXPECT_EQ(tar.find("d/b"), std::string::npos);
}

TEST_P(SnapshotContract, HardLinksAndAttributesAreKept) {
    layer("base", std::nullopt, [](const fs::path& root) {
        put(root / "a", "x");
        fs::create_hard_link(root / "a", root / "b");
        fs::create_symlink("/nowhere", root / "l");
        ASSERT_EQ(::chmod((root / "a").c_str(), 04755), 0);
    });
    driver_->prepare("c", "base");
    const Mounted mounted(driver_->mounts("c"), work_.path() / "mnt");
    EXPECT_EQ(fs::hard_link_count(mounted.path("a")), 2U);
    EXPECT_EQ(fs::read_symlink(mounted.path("l")), "/nowhere");
    struct stat info {};
    ASSERT_EQ(::stat(mounted.path("b").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777U, 04755U);
}

TEST_P(SnapshotContract, FlagsOfFilesAreKept) {
    if (os::lasting_flags(~os::FileFlags{0}) == 0) GTEST_SKIP() << "files have no flags here";
    driver_->prepare("u1", std::nullopt);
    archive::apply_tar(*archive::from_memory(TarBuilder()
                                                 .pax("SCHILY.fflags", "schg")
                                                 .directory("empty/")
                                                 .pax("SCHILY.fflags", "schg")
                                                 .file("a", "1")
                                                 .hardlink("b", "a")
                                                 .finish()),
                       driver_->tree("u1"));
    driver_->commit("l1", "u1");
    driver_->prepare("u2", "l1");
    {
        const Mounted mounted(driver_->mounts("u2"), work_.path() / "mnt");
        for (const char* name : {"empty", "a", "b"}) {
            struct stat info {};
            ASSERT_EQ(::stat(mounted.path(name).c_str(), &info), 0) << name;
            EXPECT_NE(os::flags_of(info), 0U) << name;
        }
        EXPECT_EQ(fs::hard_link_count(mounted.path("a")), 2U);
    }
    EXPECT_TRUE(archive::layer_changes(driver_->tree("u2")).empty());
    archive::apply_tar(
        *archive::from_memory(TarBuilder().file("empty/x", "2").file(".wh.a").finish()),
        driver_->tree("u2"));
    driver_->commit("l2", "u2");
    driver_->prepare("c", "l2");
    EXPECT_EQ(content("c", "a"), "absent");
    EXPECT_EQ(content("c", "empty/x"), "2");
    for (const char* key : {"c", "l2", "l1"}) driver_->remove(key);
    // Nothing of it stays because it was schg.
    for (const auto& entry : fs::recursive_directory_iterator(work_.path()))
        EXPECT_NE(entry.path().filename(), "b") << entry.path();
}

TEST_P(SnapshotContract, WhatNeedNotLastIsMountedAgainLikeTheRest) {
    layer("base", std::nullopt, [](const fs::path& root) { put(root / "a", "x"); });
    driver_->prepare("c", "base");
    for (const char* text : {"1", "2"}) {
        const Mounted mounted(driver_->mounts("c", Durability::rebuildable), work_.path() / "mnt");
        ASSERT_TRUE(mounted.ok()) << text;
        put(mounted.path("b"), text);
    }
    EXPECT_EQ(content("c", "b"), "2");
    EXPECT_EQ(content("c", "a"), "x");
}

TEST_P(SnapshotContract, ThreadsDoNotMeet) {
    layer("base", std::nullopt, [](const fs::path&) {});
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 20; ++i) {
                const std::string key = std::to_string(t) + "-" + std::to_string(i);
                driver_->prepare(key, "base");
                if (i % 2 == 0) driver_->remove(key);
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(driver_->list().size(), 42U);
}

INSTANTIATE_TEST_SUITE_P(Drivers, SnapshotContract, ::testing::ValuesIn(brig::testing::drivers()),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace brig::snapshot
