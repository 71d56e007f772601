// What a snapshot changed, whatever the change was: all of it is told, nothing else is, and the
// layer made of it turns its parent into what the snapshot is.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>

#include "archive/layer.h"
#include "fixture.h"
#include "os/xattr.h"

namespace brig::snapshot {
namespace {

using Names = std::vector<std::string>;

struct Difference {
    const char* what;
    void (*change)(const fs::path& root);
    Names told;  ///< as `docker diff` has it: A, C or D, and the path
    /// Where only a name that is written through gets the change; `told` if empty.
    Names told_by_overlay = {};
};

/// What programs that list changes have stumbled over.
const Names odd_names{" ",      " (+1)",      "(-1)",  "<xattrdir>", "\\0040",
                      "a -> b", "line\nfeed", "tab\t", "\xff\xfe"};

void base(const fs::path& root) {
    for (const char* file :
         {"d/f", "d/g", "d/sub/f", "e/f", "e/sub/f", "deep/a/b/f", "links/one/f", "gone/f"})
        write_file_atomic((fs::create_directories((root / file).parent_path()), root / file), file,
                          0644, Durability::rebuildable);
    fs::create_directory(root / "links/two");
    fs::create_hard_link(root / "links/one/f", root / "links/two/f");
    // What is left has one name, and it is not the one it got last.
    fs::create_directory(root / "left");
    write_file_atomic(root / "left/f", "left", 0644, Durability::rebuildable);
    fs::create_hard_link(root / "left/f", root / "gone/left");
    fs::create_symlink("f", root / "d/link");
    for (const auto& name : odd_names) {
        fs::create_directories(root / "odd" / name);
        write_file_atomic(root / "odd" / name / name, "odd", 0644, Durability::rebuildable);
    }
}

void write(const fs::path& file, std::string_view text) {
    const Fd fd = open_file(file.string(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    write_all(fd.get(), text);
}

/// As mv(1): overlayfs does not rename what lies below it.
void move(const fs::path& from, const fs::path& to) {
    std::error_code error;
    fs::rename(from, to, error);
    if (!error) return;
    fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    fs::remove_all(from);
}

void in_place_at_the_same_time(const fs::path& file, std::string_view text) {
    struct stat info {};
    ASSERT_EQ(::stat(file.c_str(), &info), 0);
    ASSERT_EQ(static_cast<std::size_t>(info.st_size), text.size());
    write(file, text);
    const timespec times[2] = {info.st_mtim, info.st_mtim};
    ASSERT_EQ(::utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
}

/// False where the file system keeps none.
bool set_attribute(const fs::path& file, const std::string& value) {
    const Fd directory = open_file(file.parent_path().string(), O_RDONLY | O_DIRECTORY);
    return os::set_xattr(directory.get(), file.filename().string(), "user.brig", value);
}

const std::vector<Difference> differences{
    {"nothing", [](const fs::path&) {}, {}},
    {"files are only read",
     [](const fs::path& root) { EXPECT_EQ(read_file(root / "d/f"), "d/f"); },
     {}},
    {"a file and a directory are added",
     [](const fs::path& root) {
         write(root / "d/new", "n");
         fs::create_directories(root / "new/sub");
         write(root / "new/sub/f", "n");
     },
     {"C d", "A d/new", "A new", "A new/sub", "A new/sub/f"}},
    {"a file gets longer",
     [](const fs::path& root) { write(root / "deep/a/b/f", "longer than that"); },
     {"C deep", "C deep/a", "C deep/a/b", "C deep/a/b/f"}},
    {"a file is as long and as old as before",
     [](const fs::path& root) { in_place_at_the_same_time(root / "d/f", "D/F"); },
     {"C d", "C d/f"}},
    {"a file and a directory are deleted",
     [](const fs::path& root) {
         fs::remove(root / "d/g");
         fs::remove_all(root / "e");
     },
     {"C d", "D d/g", "D e"}},
    {"a file is renamed",
     [](const fs::path& root) { fs::rename(root / "d/f", root / "e/h"); },
     {"C d", "D d/f", "C e", "A e/h"}},
    {"a directory is renamed with what is in it",
     [](const fs::path& root) { move(root / "e", root / "d/e"); },
     {"C d", "A d/e", "A d/e/f", "A d/e/sub", "A d/e/sub/f", "D e"}},
    {"a link points elsewhere",
     [](const fs::path& root) {
         fs::remove(root / "d/link");
         fs::create_symlink("g", root / "d/link");
     },
     {"C d", "C d/link"}},
    {"a name is added",
     [](const fs::path& root) { fs::create_hard_link(root / "d/f", root / "e/h"); },
     {"C e", "A e/h"},
     {"C d", "C d/f", "C e", "A e/h"}},
    {"a name is taken away",
     [](const fs::path& root) { fs::remove(root / "links/two/f"); },
     {"C links", "C links/two", "D links/two/f"}},
    {"a file is written to by one of its names",
     [](const fs::path& root) { write(root / "links/one/f", "both"); },
     {"C links", "C links/one", "C links/one/f", "C links/two", "C links/two/f"},
     {"C links", "C links/one", "C links/one/f"}},
    {"one of the names is another file now",
     [](const fs::path& root) {
         write(root / "d/new", "n");
         fs::rename(root / "d/new", root / "links/one/f");
     },
     {"C links", "C links/one", "C links/one/f"},
     {"C d", "C links", "C links/one", "C links/one/f"}},
    {"a file is written to that has lost the name it got last",
     [](const fs::path& root) { write(root / "left/f", "LEFT"); },
     {"C left", "C left/f"}},
    {"modes and owners",
     [](const fs::path& root) {
         ASSERT_EQ(::chmod((root / "d").c_str(), 0700), 0);
         ASSERT_EQ(::chown((root / "e/f").c_str(), 7, 8), 0);
     },
     {"C d", "C e", "C e/f"}},
    {"a directory is a file and a file a directory",
     [](const fs::path& root) {
         fs::remove_all(root / "e");
         write(root / "e", "n");
         fs::remove(root / "d/f");
         fs::create_directory(root / "d/f");
         write(root / "d/f/n", "n");
     },
     {"C d", "C d/f", "A d/f/n", "C e"}},
    {"odd names are written to",
     [](const fs::path& root) {
         for (const auto& name : odd_names) write(root / "odd" / name / name, "changed");
     },
     {}},
    {"odd names are taken away",
     [](const fs::path& root) {
         for (const auto& name : odd_names) fs::remove(root / "odd" / name / name);
     },
     {}},
};

Names told(const archive::LayerTree& tree) {
    Names out;
    for (const auto& change : archive::layer_changes(tree)) {
        const char* kind = change.kind == archive::ChangeKind::added      ? "A "
                           : change.kind == archive::ChangeKind::modified ? "C "
                                                                          : "D ";
        out.push_back(kind + change.path);
    }
    std::ranges::sort(out, {}, [](const std::string& line) { return line.substr(2); });
    return out;
}

std::string layer_of(const archive::LayerTree& tree) {
    std::string out;
    archive::write_layer(tree, [&](std::span<const std::byte> data) {
        out.append(reinterpret_cast<const char*>(data.data()), data.size());
    });
    return out;
}

/// All there is to know of a tree's files.
std::map<std::string, std::string> look_at(const fs::path& root) {
    std::map<std::string, std::string> out;
    const Fd top = open_file(root.string(), O_RDONLY | O_DIRECTORY);
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
        struct stat info {};
        EXPECT_EQ(::lstat(entry.path().c_str(), &info), 0) << entry.path();
        auto& text = out[entry.path().lexically_relative(root).string()];
        text = fmt::format("{:o} {}:{}", info.st_mode, info.st_uid, info.st_gid);
        if (S_ISREG(info.st_mode)) text += " " + read_file(entry.path());
        if (S_ISLNK(info.st_mode)) text += " " + fs::read_symlink(entry.path()).string();
        for (const auto& [name, value] :
             os::list_xattrs(top.get(), entry.path().lexically_relative(root).string())) {
            if (name.starts_with("user.")) text += " " + name + "=" + value;
        }
    }
    return out;
}

class Differences : public SnapshotContract {
protected:
    /// Of the snapshot `key`, and of what its layer makes of its parent.
    void expect_the_same_again(const std::string& key) {
        const auto tar = layer_of(driver_->tree(key));
        driver_->prepare("again", "base");
        archive::apply_tar(*archive::from_memory(tar), driver_->tree("again"));
        const Mounted one(driver_->mounts(key), work_.path() / "one");
        const Mounted other(driver_->mounts("again"), work_.path() / "other");
        ASSERT_TRUE(one.ok() && other.ok());
        EXPECT_EQ(look_at(one.path()), look_at(other.path()));
    }
    [[nodiscard]] bool is_overlay() const { return GetParam() == std::string_view("overlay"); }
};

TEST_P(Differences, AreAllToldAndMakeTheSameAgain) {
    layer("below", std::nullopt, base);
    layer("base", "below", [](const fs::path& root) { fs::remove_all(root / "gone"); });
    for (const auto& difference : differences) {
        SCOPED_TRACE(difference.what);
        driver_->prepare("changed", "base");
        change("changed", difference.change);
        auto expected = is_overlay() && !difference.told_by_overlay.empty()
                            ? difference.told_by_overlay
                            : difference.told;
        const auto list = told(driver_->tree("changed"));
        if (std::string_view(difference.what).starts_with("odd")) {
            EXPECT_EQ(list.size(), 1 + 2 * odd_names.size());
        } else {
            EXPECT_EQ(list, expected);
        }
        expect_the_same_again("changed");
        driver_->remove("again");
        const auto tar = layer_of(driver_->tree("changed"));
        driver_->commit("committed", "changed");
        EXPECT_EQ(told(driver_->tree("committed")), list);
        EXPECT_TRUE(layer_of(driver_->tree("committed")) == tar);
        driver_->remove("committed");
    }
}

TEST_P(Differences, OfAttributesAreTold) {
    bool supported = true;
    layer("base", std::nullopt, [&](const fs::path& root) {
        base(root);
        for (const char* name : {"d/f", "e/sub"})
            supported = set_attribute(root / name, "one") && supported;
    });
    if (!supported) GTEST_SKIP() << "no attributes on this file system";
    driver_->prepare("changed", "base");
    change("changed", [](const fs::path& root) {
        for (const char* name : {"d/f", "e/sub", "deep/a"}) set_attribute(root / name, "two");
    });
    EXPECT_EQ(told(driver_->tree("changed")),
              (Names{"C d", "C d/f", "C deep", "C deep/a", "C e", "C e/sub"}));
    expect_the_same_again("changed");
}

/// A program in a container can make them, by names relative to where it is. `zfs diff`, which
/// has the kernel put such a path together, is not what may look for them.
TEST_P(Differences, AtPathsLongerThanAnyCallTakesAreTold) {
    constexpr std::size_t levels = 60;
    const std::string name(200, 'n');
    layer("base", std::nullopt, base);
    driver_->prepare("changed", "base");
    change("changed", [&](const fs::path& root) {
        Fd at = open_file(root.string(), O_RDONLY | O_DIRECTORY);
        for (std::size_t i = 0; i < levels; ++i) {
            ASSERT_EQ(::mkdirat(at.get(), name.c_str(), 0755), 0);
            at = open_at(at.get(), name, O_RDONLY | O_DIRECTORY);
        }
    });
    const auto list = told(driver_->tree("changed"));
    ASSERT_EQ(list.size(), levels);
    EXPECT_EQ(list.back().size(), 2 + levels * (name.size() + 1) - 1);
}

INSTANTIATE_TEST_SUITE_P(Drivers, Differences, ::testing::ValuesIn(brig::testing::drivers()),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace brig::snapshot
