// A layer on disk with layers below it, and a canary outside.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "archive/layer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/strings.h"
#include "os/mounts.h"
#include "support/tar_builder.h"

namespace brig::archive {

namespace fs = std::filesystem;
using brig::testing::TarBuilder;

class LayerTest : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "unpacking sets owners, which takes root";
        for (const char* name : {"upper", "lower1", "lower2", "work", "merged"})
            fs::create_directory(base_ / name);
        ::chmod((base_ / "merged").c_str(), 0755);
        write(base_ / "canary", "unharmed");
    }
    void TearDown() override {
        if (mounted_) os::unmount(base_ / "merged");
        if (::geteuid() == 0) {
            EXPECT_EQ(read_file(base_ / "canary"), "unharmed");
        }
    }

    static void write(const fs::path& path, std::string_view data) {
        fs::create_directories(path.parent_path());
        write_file_atomic(path, data, 0644, Durability::rebuildable);
    }
    [[nodiscard]] Fd open(const char* name) const {
        return open_file((base_ / name).string(), O_RDONLY | O_DIRECTORY);
    }
    [[nodiscard]] LayerTree tree(LayerForm form, int lowers) const {
        LayerTree out{.root = open("upper"), .form = form};
        if (lowers > 0) out.lowers.push_back(open("lower1"));
        if (lowers > 1) out.lowers.push_back(open("lower2"));
        return out;
    }
    Applied apply(const std::string& tar, int lowers = 0, const ApplyOptions& options = {}) {
        return apply_tar(*decompress(from_memory(tar)), tree(LayerForm::overlay, lowers), options);
    }
    Applied apply_full(const std::string& tar) {
        return apply_tar(*decompress(from_memory(tar)), tree(LayerForm::full, 0));
    }
    /// Mounts upper over the lowers and gives the merged directory.
    fs::path merged(int lowers) {
        std::string options = "lowerdir=" + (base_ / "lower1").string();
        if (lowers > 1) options += ":" + (base_ / "lower2").string();
        options +=
            ",upperdir=" + (base_ / "upper").string() + ",workdir=" + (base_ / "work").string();
        try {
            os::mount_at({"overlay", "overlay", base_ / "merged", split(options, ',')},
                         base_ / "merged");
            mounted_ = true;
        } catch (const SysError&) {
            // Not everywhere; asked for by mounted().
        }
        return base_ / "merged";
    }
    [[nodiscard]] bool mounted() const { return mounted_; }
    [[nodiscard]] fs::path upper(const char* path) const { return base_ / "upper" / path; }
    [[nodiscard]] static struct stat look(const fs::path& path) {
        struct stat info {};
        EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
        return info;
    }
    /// Gives upper's file the times of lower1's, as a copy has them.
    void same_times(const char* name) const {
        const timespec modified = look(base_ / "lower1" / name).st_mtim;
        const timespec times[2] = {modified, modified};
        ASSERT_EQ(::utimensat(AT_FDCWD, upper(name).c_str(), times, 0), 0);
    }
    [[nodiscard]] std::string layer_of(LayerForm form, int lowers) const {
        std::string out;
        write_layer(tree(form, lowers), [&](std::span<const std::byte> data) {
            out.append(reinterpret_cast<const char*>(data.data()), data.size());
        });
        return out;
    }

    TempDir directory_{"/tmp", "brig-archive-test"};
    fs::path base_ = directory_.path();
    bool mounted_ = false;
};

template <typename Action>
std::string refusal(Action action) {
    try {
        action();
    } catch (const Error& e) {
        return e.message();
    }
    return "";
}

}  // namespace brig::archive
