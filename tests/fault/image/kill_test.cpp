// kill -9 at any instant of loading, tagging and removing: what is left opens, every image listed
// is whole, and nothing is kept that no image needs.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>

#include "base/error.h"
#include "base/file.h"
#include "image/store.h"
#include "support/tar_builder.h"

namespace brig::image {
namespace {

struct Engine {
    explicit Engine(const std::filesystem::path& root)
        : content(root / "content"),
          snapshots(snapshot::make_snapshotter("overlay", root / "overlay")),
          images({root / "meta.db", content, *snapshots}) {}
    content::Store content;
    std::unique_ptr<snapshot::Snapshotter> snapshots;
    Store images;
};

void make_image(Engine& engine, int number) {
    const auto lease = engine.content.lease();
    NewImage image;
    std::optional<Digest> chain;
    for (int layer = 0; layer < 3; ++layer) {
        testing::TarBuilder tar;
        // The lowest layer is common to all.
        const std::string text =
            layer == 0 ? "base" : std::to_string(number) + "/" + std::to_string(layer);
        for (int file = 0; file < 20; ++file)
            tar.file("f" + std::to_string(file), text + std::string(5000, 'x'));
        image.layers.push_back(engine.images.add_layer(*archive::from_memory(tar.finish()), chain));
        chain = image.layers.back().chain_id;
    }
    image.names.push_back(oci::Reference::parse("image:" + std::to_string(number % 5)));
    engine.images.create(std::move(image));
}

[[noreturn]] void work_until_killed(const std::filesystem::path& root, unsigned seed) {
    Engine engine(root);
    std::mt19937 random(seed);
    for (int i = 0;; ++i) {
        make_image(engine, static_cast<int>(random() % 50));
        if (i % 3 == 2) {
            for (const auto& image : engine.images.list()) {
                if (random() % 2 == 0) engine.images.remove(image.id.hex(), {.force = true});
            }
        }
    }
}

void expect_whole(const std::filesystem::path& root) {
    Engine engine(root);
    std::set<Digest> blobs;
    std::set<std::string> chains;
    for (const auto& image : engine.images.list(true)) {
        blobs.insert(image.id);
        blobs.insert(image.manifest);
        for (const auto& layer : image.layers) blobs.insert(layer.digest);
        for (const auto& chain : image.chain_ids) {
            chains.insert(chain.str());
            EXPECT_TRUE(engine.snapshots->stat(chain.str()));
            EXPECT_GE(engine.snapshots->usage(chain.str()).inodes, 20U);
        }
        for (const auto& layer : image.layers)
            EXPECT_NO_THROW((void)engine.content.read(layer.digest, 1U << 20U));
        for (const auto& tag : image.tags) EXPECT_EQ(engine.images.resolve(tag).id, image.id);
    }
    EXPECT_EQ(engine.content.list().size(), blobs.size());
    EXPECT_EQ(engine.snapshots->list().size(), chains.size());
}

TEST(ImageFault, KilledAtAnyInstant) {
    if (::geteuid() != 0) GTEST_SKIP() << "unpacking sets owners, which takes root";
    const TempDir root("/tmp", "brig-image-fault");
    std::mt19937 random(2026);
    for (unsigned round = 0; round < 12; ++round) {
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            try {
                work_until_killed(root.path(), round);
            } catch (const std::exception& e) {
                ::fprintf(stderr, "%s\n", e.what());
            }
            ::_exit(1);
        }
        ::usleep(100'000 + random() % 400'000);
        ::kill(child, SIGKILL);
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_TRUE(WIFSIGNALED(status)) << "the worker failed by itself";
        expect_whole(root.path());
    }
}

}  // namespace
}  // namespace brig::image
