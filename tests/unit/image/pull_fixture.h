// A registry in this process, with one image in it, and pulls from it.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "fixture.h"
#include "image/pull.h"
#include "support/fake_registry.h"

namespace brig::image {

using brig::testing::FakeRegistry;
using brig::testing::FakeRequest;
using brig::testing::http_answer;

class PullTest : public StoreTest {
protected:
    void SetUp() override {
        StoreTest::SetUp();
        settings_.certificates.clear();
        settings_.sleep = [](std::chrono::milliseconds) {};
    }
    /// An image of one layer per text in the registry, as repo:1 and repo:again.
    void publish(const std::vector<std::string>& layers, const oci::Platform& platform) {
        std::vector<std::string> tars;
        for (const auto& text : layers)
            tars.push_back(brig::testing::TarBuilder().file("f" + text, text).finish());
        publish_tars(tars, platform);
    }
    void publish_tars(const std::vector<std::string>& tars, const oci::Platform& platform) {
        oci::ImageConfig config{.platform = platform};
        oci::Manifest manifest{.config = {.media_type = std::string(oci::media_type::config),
                                          .digest = Digest::of("")}};
        for (const auto& tar : tars) {
            config.diff_ids.push_back(Digest::of(tar));
            manifest.layers.push_back(add(tar, oci::media_type::layer));
        }
        manifest.config = add(config.to_json(), oci::media_type::config);
        manifest_ = add(manifest.to_json(), oci::media_type::manifest);
        manifest_.platform = platform;
    }
    oci::Descriptor add(const std::string& bytes, std::string_view type) {
        const auto digest = Digest::of(bytes);
        blobs_[digest.str()] = bytes;
        types_[digest.str()] = type;
        return {.media_type = std::string(type),
                .digest = digest,
                .size = static_cast<std::int64_t>(bytes.size())};
    }
    std::string answer(const FakeRequest& request) {
        if (request.target == "/v2/") return http_answer(200);
        std::string name = request.target.substr(request.target.rfind('/') + 1);
        if (name == "1" || name == "again") name = manifest_.digest.str();
        if (!blobs_.contains(name))
            return http_answer(
                404, R"({"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]})");
        return http_answer(200, blobs_[name], "Content-Type: " + types_[name] + "\r\n");
    }
    void wait(const FakeRequest& request) {
        const bool late = !late_.empty() && request.target.ends_with(late_);
        for (int i = 0; late && downloaded_ < before_late_ && i < 10'000; ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    oci::Reference name(const std::string& tag = "1") {
        return oci::Reference::parse(registry_.host() + "/lib/repo:" + tag);
    }
    Image pull(const std::string& tag = "1") {
        Pull one(store(), settings_, {.name = name(tag)});
        return one.run([&](const TransferEvent& event) {
            said_.push_back(event.status);
            if (event.status == "Download complete") ++downloaded_;
        });
    }

    std::map<std::string, std::string> blobs_;
    std::map<std::string, std::string> types_;
    oci::Descriptor manifest_{.media_type = {}, .digest = Digest::of("")};
    registry::Settings settings_;
    std::vector<std::string> said_;
    std::string late_;  ///< digest of what does not come before so many layers have come
    int before_late_ = 0;
    std::atomic<int> downloaded_ = 0;
    FakeRegistry registry_{[this](const FakeRequest& request) { return answer(request); },
                           [this](const FakeRequest& request) { wait(request); }};
};

}  // namespace brig::image
