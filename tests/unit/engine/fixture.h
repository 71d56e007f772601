// An engine over real stores in a temporary directory and a supervisor in memory.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/file.h"
#include "content/store.h"
#include "engine/engine.h"
#include "fake_tasks.h"
#include "image/store.h"
#include "snapshot/snapshotter.h"
#include "volume/store.h"

namespace brig::engine::testing {

class EngineTest : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root to look into container file systems";
        open();
        image::NewImage image;
        image.config.platform.os = "linux";
        image.config.platform.architecture = "amd64";
        image.config.config.env = {"PATH=/bin", "FROM_IMAGE=1"};
        image.config.config.cmd = {"sh"};
        image.config.config.labels = {{"from", "image"}};
        image.names = {oci::Reference::parse("test").with_default_tag()};
        image_ = images_->create(std::move(image)).id.str();
    }

    void open() {
        const auto root = directory_.path() / "root";
        make_directories(root);
        content_ = std::make_unique<content::Store>(root / "content");
        snapshots_ = snapshot::make_snapshotter("copy", root / "snapshots");
        images_ =
            std::make_shared<image::Store>(image::Parts{root / "meta.db", *content_, *snapshots_});
        volumes_ = std::make_shared<volume::Store>(root / "volumes");
        engine_ = std::make_unique<Engine>(Parts{{root, directory_.path() / "run", "copy", false},
                                                 images_,
                                                 snapshots_,
                                                 tasks_,
                                                 nullptr,
                                                 volumes_});
    }

    /// As a kill -9 and a new start would: nothing is told to anybody.
    void reopen() {
        tasks_->disconnect();
        engine_.reset();
        images_.reset();
        snapshots_.reset();
        open();
    }

    static CreateRequest request(const std::string& name) {
        CreateRequest out;
        out.name = name;
        out.config.image = "test";
        out.host.network_mode = "none";
        return out;
    }

    nlohmann::json state_of(const std::string& ref) {
        return engine_->inspect(ref, false)["State"];
    }

    /// Waits for what happens on the engine's own threads.
    template <typename Test>
    static bool eventually(const Test& test) {
        for (int i = 0; i < 500; ++i) {
            if (test()) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        return false;
    }

    static ErrorKind kind_of(const std::function<void()>& action, std::string* message = nullptr) {
        try {
            action();
        } catch (const Error& e) {
            if (message != nullptr) *message = e.message();
            return e.kind();
        }
        ADD_FAILURE() << "nothing was thrown";
        return ErrorKind::internal;
    }

    TempDir directory_{"/tmp", "brig-engine-test"};
    std::string image_;
    std::shared_ptr<FakeTasks> tasks_ = std::make_shared<FakeTasks>();
    std::unique_ptr<content::Store> content_;
    std::shared_ptr<snapshot::Snapshotter> snapshots_;
    std::shared_ptr<image::Store> images_;
    std::shared_ptr<volume::Store> volumes_;
    std::unique_ptr<Engine> engine_;
};

}  // namespace brig::engine::testing
