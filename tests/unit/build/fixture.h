// A builder on real stores in a temporary directory, with a runner that understands three words.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/defer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/strings.h"
#include "build/builder.h"
#include "build/rootfs.h"
#include "content/store.h"
#include "image/store.h"
#include "os/beneath.h"
#include "snapshot/snapshotter.h"
#include "support/drivers.h"

namespace brig::build {

namespace fs = std::filesystem;

/// "write PATH TEXT", "exit N", "print TEXT": what RUN says behind "/bin/sh -c".
class FakeRunner : public Runner {
public:
    explicit FakeRunner(fs::path scratch) : scratch_(std::move(scratch)) {}

    int run(const RunRequest& request, const std::function<void(std::string_view)>& output,
            const std::function<bool()>&) override {
        requests.push_back(request);
        const auto words = split(request.args.back(), ' ');
        const Rootfs rootfs(request.rootfs, scratch_);
        // What a container's mounts leave behind.
        os::make_directories_in_root(rootfs.fd(), "proc");
        if (words[0] == "exit") return parse_int<int>(words.at(1)).value();
        if (words[0] == "print") output(words.at(1) + "\n");
        if (words[0] == "write") {
            const Fd file =
                os::open_in_root(rootfs.fd(), words.at(1), O_WRONLY | O_CREAT | O_TRUNC, 0644);
            write_all(file.get(), std::string_view(words.at(2)));
        }
        return 0;
    }

    std::vector<RunRequest> requests;

private:
    fs::path scratch_;
};

class Transcript : public Progress {
public:
    void text(std::string_view text) override { all += text; }
    void built(std::string_view id) override { image_id = id; }
    bool cancelled() override { return cancel; }

    [[nodiscard]] int count(std::string_view needle) const {
        int found = 0;
        for (auto at = all.find(needle); at != std::string::npos; at = all.find(needle, at + 1))
            ++found;
        return found;
    }

    std::string all;
    std::string image_id;
    bool cancel = false;
};

class BuildTest : public ::testing::TestWithParam<const char*> {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root: files of images belong to root";
        snapshots_ = snapshot::make_snapshotter(GetParam(), work_.path() / "snapshots");
        content_ = std::make_unique<content::Store>(work_.path() / "content");
        images_ = std::make_unique<image::Store>(
            image::Parts{work_.path() / "meta.db", *content_, *snapshots_});
        builder_ = std::make_unique<Builder>(
            Builder::Parts{*images_, *snapshots_, runner_, work_.path(), {}});
        fs::create_directory(context());
    }

    [[nodiscard]] fs::path context() const { return work_.path() / "context"; }
    void file(const std::string& name, const std::string& text, mode_t mode = 0644) const {
        fs::create_directories((context() / name).parent_path());
        std::ofstream(context() / name) << text;
        ASSERT_EQ(::chmod((context() / name).c_str(), mode), 0);
    }
    static BuildRequest request_in(const fs::path& directory) {
        BuildRequest request;
        request.context = directory;
        return request;
    }
    Transcript build(const std::string& dockerfile,
                     const std::function<void(BuildRequest&)>& change = {}) {
        auto request = request_in(context());
        request.dockerfile_text = dockerfile;
        if (change) change(request);
        Transcript transcript;
        builder_->build(request, transcript);
        return transcript;
    }
    std::string failure(const std::string& dockerfile,
                        const std::function<void(BuildRequest&)>& change = {}) {
        try {
            build(dockerfile, change);
        } catch (const Error& error) {
            return error.message();
        }
        return "";
    }
    [[nodiscard]] image::Image image(const Transcript& transcript) const {
        return images_->resolve(transcript.image_id);
    }

    /// The text of a file in an image; "<none>" when it is not there.
    std::string content(const Transcript& transcript, const std::string& path) {
        return look<std::string>(transcript, [&](int root) -> std::string {
            try {
                const Fd fd = os::open_in_root(root, path, O_RDONLY);
                return read_to_end(fd.get(), 1U << 20U);
            } catch (const Error&) {
                return "<none>";
            }
        });
    }
    struct stat status(const Transcript& transcript, const std::string& path) {
        return look<struct stat>(transcript, [&](int root) {
            struct stat info {};
            const auto [parent, name] = os::open_parent_in_root(root, path);
            if (::fstatat(parent.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
                throw SysError("stat {}", path);
            return info;
        });
    }
    /// Active snapshots: none may outlive a build.
    int leftovers() {
        int count = 0;
        for (const auto& info : snapshots_->list())
            count += info.kind == snapshot::Kind::committed ? 0 : 1;
        return count;
    }

    // In memory: every build flushes its file system, which is not what these tests are about.
    TempDir work_{fs::exists("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path(),
                  "brig-build-test"};
    FakeRunner runner_{work_.path()};
    std::unique_ptr<snapshot::Snapshotter> snapshots_;
    std::unique_ptr<content::Store> content_;
    std::unique_ptr<image::Store> images_;
    std::unique_ptr<Builder> builder_;

private:
    template <typename Result>
    Result look(const Transcript& transcript, const std::function<Result(int)>& at) {
        const auto mounts = snapshots_->prepare("look", images_->top_snapshot(image(transcript)),
                                                snapshot::Kind::view);
        const Defer drop([&] { snapshots_->remove("look"); });
        const Rootfs rootfs(mounts, work_.path());
        return at(rootfs.fd());
    }
};

}  // namespace brig::build
