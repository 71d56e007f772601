// Pulls from and pushes to a registry in this process.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "archive/stream.h"
#include "image/convert.h"
#include "image/push.h"
#include "pull_fixture.h"

namespace brig::image {
namespace {

TEST_F(PullTest, BringsAnImageAndFetchesNothingTwice) {
    publish({"a", "b", "a"}, oci::Platform::host());
    const auto image = pull();
    EXPECT_EQ(image.tags, std::vector<std::string>{name().familiar()});
    EXPECT_EQ(image.digests.at(0), name().familiar_name() + "@" + manifest_.digest.str());
    EXPECT_EQ(store().resolve(image.digests.at(0)).id, image.id);
    EXPECT_TRUE(store().top_snapshot(image));
    const auto before = registry_.asked().size();
    EXPECT_EQ(pull().id, image.id);
    EXPECT_EQ(registry_.asked().size(), before + 1);  // the manifest

    publish({"a", "b", "a", "c"}, oci::Platform::host());
    pull();
    EXPECT_EQ(registry_.asked().size(), before + 4);  // manifest, configuration, one layer
}

TEST_F(PullTest, ChoosesThePlatform) {
    auto other = oci::Platform::host();
    other.architecture = "s390x";
    oci::Index index;
    publish({"wrong"}, other);
    index.manifests.push_back(manifest_);
    publish({"right"}, oci::Platform::host());
    index.manifests.push_back(manifest_);
    manifest_ = add(index.to_json(), oci::media_type::index);
    EXPECT_EQ(pull().config.platform, oci::Platform::host());
    Pull one(store(), settings_, {name(), other});
    EXPECT_EQ(one.run({}).config.platform, other) << "as --platform says";
    other.architecture = "riscv64";
    const auto e = error_of([&] { Pull(store(), settings_, {name(), other}); });
    EXPECT_EQ(e.message(),
              "no matching manifest for " + other.str() + " in the manifest list entries");
}

TEST_F(PullTest, NotesAPlatformThatIsNotTheHosts) {
    auto linux_one = oci::Platform::host(), freebsd = linux_one;
    linux_one.os = "linux";
    freebsd.os = "freebsd";
    oci::Index index;
    publish({"only"}, linux_one);
    const auto single = manifest_;
    index.manifests.push_back(manifest_);
    for (const auto& document : {add(index.to_json(), oci::media_type::index), single}) {
        manifest_ = document;
        said_.clear();
        Pull one(store(), settings_, {.name = name(), .host = freebsd});
        one.run([&](const TransferEvent& event) { said_.push_back(event.status); });
        EXPECT_EQ(said_.at(0), "Note: there is no image for " + freebsd.str() +
                                   ", this one is for " + linux_one.str());
        store().remove(name().familiar(), {.force = true});
    }
    publish({"both"}, linux_one);
    index.manifests = {manifest_};
    publish({"better"}, freebsd);
    index.manifests.push_back(manifest_);
    manifest_ = add(index.to_json(), oci::media_type::index);
    Pull one(store(), settings_, {.name = name(), .host = freebsd});
    EXPECT_EQ(one.run({}).config.platform, freebsd);
}

TEST_F(PullTest, TellsOfEveryStepOfALayer) {
    publish({"a"}, oci::Platform::host());
    pull();
    std::vector<std::string> steps;
    for (const auto& status : said_) {
        if (steps.empty() || steps.back() != status) steps.push_back(status);
    }
    // Bytes are only told of every so often.
    std::erase(steps, "Downloading");
    EXPECT_EQ(steps,
              (std::vector<std::string>{"Pulling fs layer", "Verifying Checksum",
                                        "Download complete", "Extracting", "Pull complete"}));
}

TEST_F(PullTest, LayersThatComeBeforeTheirParentsStandOnThemAsEver) {
    using brig::testing::TarBuilder;
    const std::vector<std::string> tars = {
        TarBuilder()
            .directory("./", 0750)
            .directory("real", 0711)
            .symlink("link", "real")
            .file("real/a", "text")
            .file("gone")
            .finish(),
        TarBuilder().file("link/b").hardlink("second", "real/a").file(".wh.gone").finish(),
        TarBuilder().directory("./", 0700).file("top").finish()};
    publish_tars(tars, oci::Platform::host());
    late_ = Digest::of(tars[0]).str();
    before_late_ = 2;
    const auto image = pull();
    const auto first_unpacked = std::ranges::find(said_, "Pull complete");
    EXPECT_EQ(std::count(said_.begin(), first_unpacked, "Download complete"), 3);
    const auto look = [&](std::size_t layer, const char* path) {
        struct stat info {};
        const auto tree = snapshots_->tree(image.chain_ids[layer].str());
        EXPECT_EQ(::fstatat(tree.root.get(), path, &info, AT_SYMLINK_NOFOLLOW), 0) << path;
        return info;
    };
    EXPECT_EQ(look(1, ".").st_mode & 07777U, 0750U) << "as its parent's";
    EXPECT_EQ(look(2, ".").st_mode & 07777U, 0700U) << "as it says";
    EXPECT_EQ(look(1, "real").st_mode, S_IFDIR | 0711U);
    EXPECT_TRUE(S_ISREG(look(1, "real/b").st_mode));
    EXPECT_EQ(look(1, "second").st_size, 4);
    EXPECT_TRUE(S_ISCHR(look(1, "gone").st_mode)) << "a whiteout";
    EXPECT_EQ(snapshots_->stat(image.chain_ids[2].str())->parent, image.chain_ids[1].str());
    EXPECT_EQ(snapshots_->stat(image.chain_ids[1].str())->parent, image.chain_ids[0].str());
}

/// As a prune does that had begun before the pull.
TEST_F(PullTest, LayersTakenAfterTheyWereLookedAtAreUnpackedAnew) {
    publish({"a", "b"}, oci::Platform::host());
    const auto first = pull();
    Pull again(store(), settings_, {.name = name("again")});
    int already_there = 0;
    const auto image = again.run([&](const TransferEvent& event) {
        if (event.status != "Already exists" || ++already_there != 2) return;
        snapshots_->remove(first.chain_ids[1].str());
        snapshots_->remove(first.chain_ids[0].str());
    });
    EXPECT_EQ(already_there, 2);
    EXPECT_EQ(image.id, first.id);
    EXPECT_EQ(snapshots_->stat(first.chain_ids[1].str())->parent, first.chain_ids[0].str());
}

TEST_F(PullTest, SaysWhatIsNotThereAsDockerDoes) {
    const auto e = error_of([&] { pull("2"); });
    EXPECT_EQ(e.kind(), ErrorKind::not_found);
    EXPECT_EQ(e.message(), "manifest for " + name("2").familiar() +
                               " not found: manifest unknown: manifest unknown");
}

TEST_F(PullTest, LiesLeaveNoImage) {
    publish({"a", "b"}, oci::Platform::host());
    const auto good = blobs_;
    for (const auto& [digest, bytes] : good) {
        if (digest == manifest_.digest.str()) continue;
        for (const auto& lie : {std::string(bytes.size(), 'x'), bytes + "x", std::string("x")}) {
            store().prune(false, {});  // or what came well the last time is not asked for
            blobs_ = good;
            blobs_[digest] = lie;
            const auto e = error_of([&] { pull(); });
            EXPECT_NE(e.message().find(digest.substr(0, 20)), std::string::npos) << e.message();
        }
    }
    EXPECT_TRUE(store().list(true).empty());
    blobs_ = good;
    pull();
    store().remove(name().familiar(), {.force = true});
    store().prune(false, {});
    EXPECT_EQ(snapshot_count() + blob_count(), 0u);
}

TEST_F(PullTest, WhatAFailedPullHasBroughtServesTheNextUntilAPrune) {
    publish({"a", "b"}, oci::Platform::host());
    const auto good = blobs_;
    const auto missing = oci::parse_manifest(blobs_[manifest_.digest.str()]).layers[1].digest.str();
    for (const bool pruned : {false, true}) {
        blobs_.erase(missing);
        error_of([&] { pull(); });
        if (pruned) store().prune(false, {});
        const auto kept =
            blob_count();  // manifest and configuration, and the layer if it was faster
        EXPECT_TRUE(pruned ? kept + snapshot_count() == 0 : kept >= 2) << kept;
        open();
        store().collect();
        EXPECT_EQ(blob_count(), kept);
    }
    error_of([&] { pull(); });
    open();
    const auto kept = blob_count();
    blobs_ = good;
    const auto before = registry_.asked().size();
    pull();
    EXPECT_EQ(registry_.asked().size(),
              before + 1 + (4 - kept));  // the manifest, and what is missing
    store().remove(name().familiar(), {.force = true});
    EXPECT_EQ(snapshot_count() + blob_count(), 0u);  // a pull that ended well keeps nothing
}

TEST_F(PullTest, ANameThatStandsForAnotherFormIsGivenBackItsOwn) {
    publish({"a"}, oci::Platform::host());
    const auto pulled = pull();
    const auto name_here = name();
    convert(store(), {.source = name_here.familiar(),
                      .target = name_here,
                      .compression = archive::Compression::zstd});
    EXPECT_NE(store().resolve(name_here.familiar()).manifest, pulled.manifest);
    pull();
    EXPECT_EQ(store().resolve(name_here.familiar()).manifest, pulled.manifest);
}

/// CVE-2020-15157: a manifest that says where else its layers are.
TEST_F(PullTest, NobodyIsAskedWhomAManifestNames) {
    std::atomic<int> connections = 0;
    FakeRegistry other([&](const FakeRequest&) {
        ++connections;
        return http_answer(401, "", "WWW-Authenticate: Basic realm=\"x\"\r\n");
    });
    publish({"a"}, oci::Platform::host());
    auto json = nlohmann::json::parse(blobs_[manifest_.digest.str()]);
    for (auto* named : {&json["config"], &json["layers"][0]})
        (*named)["urls"] = {other.url() + "/blob"};
    const auto config = json["config"]["digest"].get<std::string>();
    const auto layer = json["layers"][0]["digest"].get<std::string>();
    const auto good = blobs_;
    for (const auto& missing : {config, layer}) {
        blobs_ = good;
        blobs_.erase(missing);
        json["layers"][0]["mediaType"] =
            missing == layer ? "application/vnd.docker.image.rootfs.foreign.diff.tar"
                             : std::string(oci::media_type::layer);
        manifest_ = add(json.dump(), oci::media_type::manifest);
        Pull one(store(), settings_,
                 {.name = name(), .credentials = {.username = "user", .password = "secret"}});
        error_of([&] { one.run({}); });
    }
    EXPECT_EQ(connections, 0);
    EXPECT_TRUE(store().list(true).empty());
}

TEST_F(PullTest, DockersManifestGoesOnUnchanged) {
    publish({"a"}, oci::Platform::host());
    auto json = nlohmann::json::parse(blobs_[manifest_.digest.str()]);
    json["mediaType"] = oci::media_type::docker_manifest;
    json["config"]["mediaType"] = oci::media_type::docker_config;
    json["layers"][0]["mediaType"] = oci::media_type::docker_layer;
    const std::string bytes = json.dump(3);  // as docker has it
    manifest_ = add(bytes, oci::media_type::docker_manifest);
    const auto pulled = pull();
    EXPECT_EQ(pulled.manifest, Digest::of(bytes));
    FakeRequest manifest;
    FakeRegistry other([&](const FakeRequest& request) {
        if (request.target.find("manifests") != std::string::npos) manifest = request;
        return http_answer(request.method == "HEAD" ? 200 : 201);
    });
    const auto target = oci::Reference::parse(other.host() + "/x:1");
    store().tag(name().familiar(), target.familiar());
    EXPECT_EQ(push(store(), settings_, {target, {}}, {}).digest, pulled.manifest);
    EXPECT_EQ(manifest.body, bytes);
    EXPECT_TRUE(manifest.has("Content-Type: " + std::string(oci::media_type::docker_manifest)))
        << manifest.head;
}

TEST_F(PullTest, PushCompressesWhatIsNotYet) {
    make_image({"one", "two"}, "local:1");
    std::map<std::string, std::string> got;
    FakeRegistry other([&](const FakeRequest& request) {
        if (request.target == "/v2/") return http_answer(200);
        if (request.method == "HEAD") return http_answer(404);
        if (request.method == "POST") return http_answer(202, "", "Location: /v2/up\r\n");
        got[request.method + (request.target.find("manifests") == std::string::npos ? "" : "M")] =
            request.body;
        return http_answer(request.method == "PATCH" ? 202 : 201, "", "Location: /v2/up\r\n");
    });
    const auto target = oci::Reference::parse(other.host() + "/x:1");
    store().tag("local:1", target.familiar());
    const auto pushed = push(store(), settings_, {target, {}}, {});
    const auto manifest = oci::parse_manifest(got["PUTM"]);
    EXPECT_EQ(pushed.digest, Digest::of(got["PUTM"]));
    for (const auto& layer : manifest.layers)
        EXPECT_EQ(layer.media_type, oci::media_type::layer_gzip);
    EXPECT_EQ(store().resolve("local:1").digests.at(0),
              target.familiar_name() + "@" + pushed.digest.str());
}

}  // namespace
}  // namespace brig::image
