// Names, removal by docker's rules, history, what survives a restart.
#include <gmock/gmock.h>

#include "fixture.h"

namespace brig::image {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> lines(const std::vector<Removal>& removals) {
    std::vector<std::string> out;
    for (const auto& removal : removals) {
        out.push_back(removal.untagged.empty() ? "Deleted: " + removal.deleted
                                               : "Untagged: " + removal.untagged);
    }
    return out;
}

TEST_F(StoreTest, PruneSparesWhatSomebodyIsUsing) {
    const auto tagged = make_image({"a"}, "tagged:1");
    make_image({"b"}, "other:1");
    store().prune(false, {});  // forgets the use while they were made
    {
        const auto lease = content_->lease();
        EXPECT_EQ(store().resolve("tagged:1").id, tagged.id);
        const auto step = make_image({"a", "step"}, "");  // of a build under way
        store().prune(true, {});
        EXPECT_TRUE(store().find(tagged.id));
        EXPECT_TRUE(store().find(step.id));
        EXPECT_EQ(store().list(true).size(), 2u);
    }
    store().prune(true, {});
    EXPECT_TRUE(store().list(true).empty());
    EXPECT_EQ(snapshot_count() + blob_count(), 0u);
}

TEST_F(StoreTest, DatabaseIsNobodyElsesToRead) {
    make_image({"one"}, "web");
    // The log's index is in the engine's own memory.
    EXPECT_FALSE(std::filesystem::exists(directory_.path() / "meta.db-shm"));
    for (const char* name : {"meta.db", "meta.db-wal"}) {
        const auto status = std::filesystem::status(directory_.path() / name);
        EXPECT_EQ(status.permissions(), std::filesystem::perms(0600)) << name;
    }
}

TEST_F(StoreTest, ResolvesByNameIdAndPrefix) {
    const Image made = make_image({"one"}, "web");
    EXPECT_EQ(store().resolve("web").id, made.id);
    EXPECT_EQ(store().resolve("web:latest").id, made.id);
    EXPECT_EQ(store().resolve("docker.io/library/web").id, made.id);
    EXPECT_EQ(store().resolve(made.id.str()).id, made.id);
    EXPECT_EQ(store().resolve(made.id.hex()).id, made.id);
    EXPECT_EQ(store().resolve(made.id.hex().substr(0, 12)).id, made.id);
    EXPECT_EQ(store().resolve(made.id.str().substr(0, 15)).id, made.id);
    EXPECT_THAT(made.tags, ElementsAre("web:latest"));

    const auto missing = error_of([&] { (void)store().resolve("nope"); });
    EXPECT_EQ(missing.kind(), ErrorKind::not_found);
    EXPECT_EQ(missing.message(), "No such image: nope:latest");
    EXPECT_EQ(error_of([&] { (void)store().resolve("Bad Name"); }).kind(),
              ErrorKind::invalid_argument);
    EXPECT_EQ(error_of([&] { (void)store().resolve("sha256:../../x"); }).kind(),
              ErrorKind::not_found);
}

TEST_F(StoreTest, TagsMoveAndUntagBeforeDelete) {
    const Image one = make_image({"one"}, "web");
    store().tag("web", "web:v1");
    EXPECT_THAT(store().resolve("web").tags, ElementsAre("web:latest", "web:v1"));
    EXPECT_THAT(lines(store().remove("web", {})), ElementsAre("Untagged: web:latest"));
    EXPECT_EQ(snapshot_count(), 1U);
    EXPECT_THAT(lines(store().remove("web:v1", {})),
                ElementsAre("Untagged: web:v1", "Deleted: " + one.id.str(),
                            "Deleted: " + one.chain_ids[0].str()));
    EXPECT_EQ(snapshot_count(), 0U);
    EXPECT_EQ(blob_count(), 0U);
    EXPECT_THAT(store().list(true), IsEmpty());
    EXPECT_EQ(error_of([&] { store().tag("web", "x"); }).kind(), ErrorKind::not_found);
}

TEST_F(StoreTest, SharedLayersStay) {
    make_image({"base"}, "base");
    make_image({"base", "more"}, "derived");
    EXPECT_EQ(snapshot_count(), 2U);
    store().remove("base", {});
    EXPECT_EQ(snapshot_count(), 2U);
    store().remove("derived", {});
    EXPECT_EQ(snapshot_count(), 0U);
    EXPECT_EQ(blob_count(), 0U);
}

TEST_F(StoreTest, ContainersAreConflicts) {
    const Image image = make_image({"one"}, "web");
    const std::string id12(image.id.hex().substr(0, 12));
    RemoveOptions options{
        .users = {{.container_id = std::string(64, 'c'), .image = image.id, .running = false}}};
    EXPECT_EQ(error_of([&] { store().remove("web", options); }).message(),
              "conflict: unable to remove repository reference \"web\" (must force) - container "
              "cccccccccccc is "
              "using its referenced image " +
                  id12);
    EXPECT_EQ(error_of([&] { store().remove(id12, options); }).message(),
              "conflict: unable to delete " + id12 +
                  " (must be forced) - image is being used by stopped container cccccccccccc");
    options.users[0].running = true;
    options.force = true;
    const auto hard = error_of([&] { store().remove(id12, options); });
    EXPECT_EQ(hard.kind(), ErrorKind::conflict);
    EXPECT_EQ(hard.message(),
              "conflict: unable to delete " + id12 +
                  " (cannot be forced) - image is being used by running container cccccccccccc");
    // By name force takes the name and leaves the image to the container.
    EXPECT_THAT(lines(store().remove("web", options)), ElementsAre("Untagged: web:latest"));
    EXPECT_TRUE(store().find(image.id).has_value());
    options.users[0].running = false;
    store().remove(id12, options);
    EXPECT_FALSE(store().find(image.id).has_value());
}

TEST_F(StoreTest, IdWithSeveralRepositoriesNeedsForce) {
    const Image image = make_image({"one"}, "a");
    store().tag("a", "b");
    const std::string id12(image.id.hex().substr(0, 12));
    EXPECT_THAT(error_of([&] { store().remove(id12, {}); }).message(),
                HasSubstr("(must be forced) - image is referenced in multiple repositories"));
    store().remove(id12, {.force = true});
    EXPECT_THAT(store().list(true), IsEmpty());
}

TEST_F(StoreTest, UntaggedParentsGoWithTheLastChild) {
    const Image parent = make_image({"one"}, "");
    const Image child = make_image({"one", "two"}, "app", parent.id);
    EXPECT_EQ(store().list(false).size(), 1U);
    EXPECT_EQ(store().list(true).size(), 2U);
    EXPECT_EQ(store().children(parent.id).size(), 1U);
    EXPECT_THAT(error_of([&] { store().remove(parent.id.hex(), {.force = true}); }).message(),
                HasSubstr("(cannot be forced) - image has dependent child images"));
    const auto history = store().history(child);
    EXPECT_EQ(history[0].id, child.id.str());
    EXPECT_EQ(history[1].id, parent.id.str());
    EXPECT_EQ(history[0].size, 3U);
    store().remove("app", {});
    EXPECT_THAT(store().list(true), IsEmpty());
    EXPECT_EQ(snapshot_count(), 0U);
}

TEST_F(StoreTest, ParentsThatSomebodyIsUsingStay) {
    const Image parent = make_image({"a"}, "");
    const Image child = make_image({"a", "b"}, "", parent.id);
    const Image other = make_image({"a", "c"}, "", parent.id);
    open();
    {
        const auto lease = content_->lease();
        EXPECT_TRUE(store().find(parent.id));  // a build has come to it
        store().remove(child.id.str(), {});
        store().prune(false, {});
        EXPECT_TRUE(store().find(parent.id));
        EXPECT_FALSE(store().find(other.id));
    }
    const auto pruned = store().prune(false, {});
    EXPECT_GT(pruned.bytes, 1U);  // its layer's file and blobs
    EXPECT_EQ(snapshot_count() + blob_count(), 0U);
}

TEST_F(StoreTest, WhatIsMadeOfAnImageThatGoesIsWhole) {
    const auto lease = content_->lease();
    const Image base = make_image({"a"}, "base:1");
    store().keep(base);
    store().remove("base:1", {});
    NewImage image{.config = base.config, .layers = store().layers_of(base)};
    image.config.config.labels["more"] = "of it";
    const Image made = store().create(std::move(image));
    for (const auto& layer : made.layers) EXPECT_TRUE(content_->has(layer.digest));
    EXPECT_EQ(error_of([&] {
                  store().keep(Image{.id = Digest::of("x"), .manifest = Digest::of("y")});
              }).message(),
              "No such image: " + Digest::of("x").str());
}

TEST_F(StoreTest, PruneTakesUntaggedOrUnused) {
    make_image({"one"}, "");
    const Image used = make_image({"two"}, "used");
    make_image({"three"}, "unused");
    const std::vector<ImageUser> users{{.container_id = "c", .image = used.id}};
    EXPECT_EQ(store().prune(false, users).removed.size(), 2U);
    EXPECT_EQ(store().list().size(), 2U);
    EXPECT_GT(store().prune(true, users).bytes, 0U);
    EXPECT_EQ(store().list().size(), 1U);
}

TEST_F(StoreTest, PruneTakesParentsWithTheirChildrenInAnyOrder) {
    Image last = make_image({"0"}, "base");
    for (int i = 1; i < 6; ++i)  // whose IDs are in no order
        last = make_image({"0", std::to_string(i)}, i % 2 == 0 ? "named" + std::to_string(i) : "",
                          last.id);
    EXPECT_EQ(store().prune(false, {}).removed.size(), 2U) << "the last, and its layer";
    store().prune(true, {});
    EXPECT_THAT(store().list(true), IsEmpty());
    EXPECT_EQ(snapshot_count() + blob_count(), 0U);
}

TEST_F(StoreTest, EverythingIsThereAfterReopening) {
    const Image image = make_image({"one", "two"}, "web");
    snapshots_->prepare("unpack-dead", std::nullopt);
    auto abandoned = std::make_unique<content::Ingest>(content_->begin());
    open();
    EXPECT_EQ(store().resolve("web").id, image.id);
    EXPECT_EQ(store().resolve("web").config, image.config);
    EXPECT_EQ(store().resolve("web").size, 6U);
    EXPECT_FALSE(snapshots_->stat("unpack-dead"));
    EXPECT_EQ(store().top_snapshot(image), image.chain_ids.back().str());
    (void)abandoned->size();
}

TEST_F(StoreTest, LostSnapshotsAreUnpackedAgain) {
    const Image image = make_image({"one", "two"}, "web");
    snapshots_->remove(image.chain_ids[1].str());
    EXPECT_EQ(store().top_snapshot(image), image.chain_ids[1].str());
    EXPECT_TRUE(snapshots_->stat(image.chain_ids[1].str()));
}

TEST_F(StoreTest, ImagesWithoutTheirBlobsAreForgotten) {
    const Image image = make_image({"one"}, "web");
    content_->remove(image.id);
    open();
    EXPECT_THAT(store().list(true), IsEmpty());
    EXPECT_EQ(error_of([&] { (void)store().resolve("web"); }).kind(), ErrorKind::not_found);
    store().collect();
    EXPECT_EQ(snapshot_count(), 0U);
    EXPECT_EQ(blob_count(), 0U);
}

TEST_F(StoreTest, CollectSparesWhatIsBeingMade) {
    const auto lease = content_->lease();
    const std::string tar = brig::testing::TarBuilder().file("a", "x").finish();
    const Layer layer = store().add_layer(*archive::from_memory(tar), std::nullopt);
    store().collect();
    EXPECT_TRUE(content_->has(layer.blob.digest));
    EXPECT_TRUE(snapshots_->stat(layer.chain_id.str()));
}

TEST_F(StoreTest, CommitTurnsASnapshotIntoALayer) {
    const Image base = make_image({"one"}, "base");
    const auto lease = content_->lease();
    snapshots_->prepare("work", base.chain_ids[0].str());
    const auto tree = snapshots_->tree("work");
    archive::TreeWriter(tree).add({.path = "new", .mode = 0600},
                                  archive::from_memory("data").get());
    const Layer copy = store().copy_snapshot("work", base.chain_ids[0]);
    EXPECT_TRUE(snapshots_->stat("work"));
    const Layer layer = store().commit_snapshot("work", base.chain_ids[0]);
    EXPECT_EQ(copy.diff_id, layer.diff_id);
    EXPECT_FALSE(snapshots_->stat("work"));
    EXPECT_EQ(layer.size, 4U);
    auto layers = store().layers_of(base);
    layers.push_back(layer);
    const Image made = store().create({.config = base.config, .layers = layers, .parent = base.id});
    EXPECT_EQ(store().top_snapshot(made), layer.chain_id.str());
}

}  // namespace
}  // namespace brig::image
