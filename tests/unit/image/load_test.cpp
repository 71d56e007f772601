// Archives in and out: round trips, old and new forms, hostile ones.
#include "image/load.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "fixture.h"
#include "image/bootstrap.h"
#include "image/convert.h"
#include "image/import.h"
#include "image/save.h"
#include "oci/manifest.h"
#include "os/mounts.h"

namespace brig::image {
namespace {

using brig::testing::TarBuilder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LoadTest : public StoreTest {
protected:
    std::vector<Image> load_bytes(std::string_view bytes) {
        const Fd file = memory_file(bytes);
        return load(store(), archive::from_fd(file.get()),
                    [&](const std::string& line) { progress_.push_back(line); });
    }
    void expect_refused(std::string_view bytes, const std::string& text) {
        EXPECT_THAT(error_of([&] { load_bytes(bytes); }).message(), HasSubstr(text));
        EXPECT_EQ(blob_count(), 0U) << text;
        EXPECT_EQ(snapshot_count(), 0U) << text;
        EXPECT_TRUE(store().list(true).empty());
    }
    std::vector<std::string> progress_;
};

std::string config_for(const std::vector<std::string>& layers) {
    oci::ImageConfig config{.platform = oci::Platform::host()};
    for (const auto& layer : layers) config.diff_ids.push_back(Digest::of(layer));
    return config.to_json();
}

const std::string layer_tar = TarBuilder().directory("etc/").file("etc/hello", "hello").finish();

std::string docker_manifest(const std::string& config, const std::string& layers,
                            const std::string& tags = "\"old:1\"") {
    return R"([{"Config":")" + config + R"(","RepoTags":[)" + tags + R"(],"Layers":[)" + layers +
           "]}]";
}

TEST_F(LoadTest, SaveAndLoadGiveTheSameImage) {
    const Image made = make_image({"one", "two"}, "web:v1");
    store().tag("web:v1", "other");
    const Fd file = memory_file("");
    save(store(), {"web:v1", "other:latest"}, file.get());
    store().remove(made.id.hex(), {.force = true});
    ASSERT_EQ(blob_count(), 0U);
    ::lseek(file.get(), 0, SEEK_SET);
    const auto loaded = load(store(), archive::from_fd(file.get()),
                             [&](const std::string& line) { progress_.push_back(line); });
    ASSERT_EQ(loaded.size(), 1U);
    EXPECT_EQ(loaded[0].id, made.id);
    EXPECT_EQ(loaded[0].manifest, made.manifest);
    EXPECT_EQ(loaded[0].chain_ids, made.chain_ids);
    EXPECT_EQ(loaded[0].size, made.size);
    EXPECT_THAT(progress_, ElementsAre("Loaded image: web:v1", "Loaded image: other:latest"));
    EXPECT_EQ(blob_count(), 4U);
    EXPECT_EQ(read_file(directory_.path() / "overlay" / "3" / "fs" / "f0"), "one");
}

TEST_F(LoadTest, FormsOfOneImageStayApart) {
    const Image made = make_image({"one", "two"}, "web:v1");
    for (const auto compression : {archive::Compression::gzip, archive::Compression::zstd}) {
        const auto name = compression == archive::Compression::gzip ? "web:gzip" : "web:zstd";
        const Image form = convert(store(), {.source = "web:v1",
                                             .target = oci::Reference::parse(name),
                                             .compression = compression});
        const Fd file = memory_file("");
        save(store(), {"web"}, file.get());
        store().remove(made.id.hex(), {.force = true});
        ASSERT_EQ(blob_count(), 0U);
        ::lseek(file.get(), 0, SEEK_SET);
        load(store(), archive::from_fd(file.get()), [](const std::string&) {});
        EXPECT_EQ(store().resolve("web:v1").manifest, made.manifest);
        EXPECT_FALSE(store().resolve("web:v1").is_form);
        EXPECT_EQ(store().resolve(name).manifest, form.manifest);
        EXPECT_EQ(store().list().size(), 1U);
    }
}

TEST_F(LoadTest, WhatIsBeingSavedMayGo) {
    make_image({std::string(1 << 20, 'x'), "two"}, "web:v1");
    open();
    auto [reader, writer] = make_pipe();
    std::thread saving([&, fd = writer.get()] {
        save(store(), {"web:v1"}, fd);
        writer.reset();
    });
    std::array<std::byte, 1> first{};
    ASSERT_EQ(read_some(reader.get(), first), 1U);
    store().remove("web:v1", {});
    const auto saved =
        static_cast<char>(first[0]) + read_to_end(reader.get(), std::size_t{8} << 20U);
    saving.join();
    EXPECT_EQ(load_bytes(saved).size(), 1U);
}

TEST_F(LoadTest, LegacyArchiveWithLinkedLayer) {
    const std::string config = config_for({layer_tar, layer_tar});
    const auto bytes = TarBuilder()
                           .file("aaa/layer.tar", layer_tar)
                           .symlink("bbb/layer.tar", "../aaa/layer.tar")
                           .file("abc.json", config)
                           .file("manifest.json",
                                 docker_manifest("abc.json", R"("aaa/layer.tar","bbb/layer.tar")"))
                           .finish();
    const auto loaded = load_bytes(bytes);
    ASSERT_EQ(loaded.size(), 1U);
    EXPECT_EQ(loaded[0].id, Digest::of(config));
    EXPECT_EQ(loaded[0].chain_ids.size(), 2U);
    EXPECT_THAT(progress_, ElementsAre("Loaded image: old:1"));
}

TEST_F(LoadTest, OciArchive) {
    const std::string config = config_for({layer_tar});
    oci::Manifest manifest{.config = {.media_type = std::string(oci::media_type::config),
                                      .digest = Digest::of(config),
                                      .size = static_cast<std::int64_t>(config.size())}};
    manifest.layers.push_back({.media_type = std::string(oci::media_type::layer),
                               .digest = Digest::of(layer_tar),
                               .size = static_cast<std::int64_t>(layer_tar.size())});
    const std::string text = manifest.to_json();
    oci::Index index;
    index.manifests.push_back(
        {.media_type = manifest.media_type,
         .digest = Digest::of(text),
         .size = static_cast<std::int64_t>(text.size()),
         .annotations = {{"org.opencontainers.image.ref.name", "quay.io/x/y:z"}}});
    const auto blob = [](const std::string& bytes) {
        return "blobs/sha256/" + std::string(Digest::of(bytes).hex());
    };
    const auto loaded = load_bytes(TarBuilder()
                                       .file("oci-layout", R"({"imageLayoutVersion":"1.0.0"})")
                                       .file("index.json", index.to_json())
                                       .file(blob(text), text)
                                       .file(blob(config), config)
                                       .file(blob(layer_tar), layer_tar)
                                       .finish());
    ASSERT_EQ(loaded.size(), 1U);
    EXPECT_EQ(loaded[0].manifest, Digest::of(text));
    EXPECT_THAT(loaded[0].tags, ElementsAre("quay.io/x/y:z"));

    index.manifests[0].annotations.clear();
    progress_.clear();
    load_bytes(TarBuilder()
                   .file("index.json", index.to_json())
                   .file(blob(text), text)
                   .file(blob(config), config)
                   .file(blob(layer_tar), layer_tar)
                   .finish());
    EXPECT_THAT(progress_, ElementsAre("Loaded image ID: " + Digest::of(config).str()));
}

TEST_F(LoadTest, HostileArchivesLeaveNothing) {
    const std::string config = config_for({layer_tar});
    expect_refused("", "neither manifest.json nor index.json");
    expect_refused("this is no tar archive at all, but it is long enough to be looked at", "");
    expect_refused(TarBuilder().file("manifest.json", "{").finish(),
                   "manifest.json: not a JSON array");
    expect_refused(TarBuilder().file("manifest.json", "[1]").finish(), "not a JSON object");
    expect_refused(
        TarBuilder().file("manifest.json", docker_manifest("../../etc/passwd", "")).finish(),
        "has no file \"../../etc/passwd\"");
    expect_refused(TarBuilder()
                       .file("a.json", config)
                       .file("manifest.json", docker_manifest("a.json", R"("x")"))
                       .finish(),
                   "has no file \"x\"");
    expect_refused(TarBuilder().file("../escape", "x").finish(), "\"..\"");
    expect_refused(TarBuilder().file("blobs/sha256/" + std::string(64, 'a'), "x").finish(),
                   "content has digest");
    expect_refused(TarBuilder().file("blobs/sha256/../../x", "x").finish(), "\"..\"");
    // The layer is not the one its configuration names.
    expect_refused(TarBuilder()
                       .file("l", TarBuilder().file("evil", "x").finish())
                       .file("a.json", config)
                       .file("manifest.json", docker_manifest("a.json", R"("l")"))
                       .finish(),
                   "diff ID");
    // More layers than the configuration has.
    expect_refused(TarBuilder()
                       .file("l", layer_tar)
                       .file("a.json", config)
                       .file("manifest.json", docker_manifest("a.json", R"("l","l")"))
                       .finish(),
                   "layers");
    expect_refused(TarBuilder()
                       .file("l", layer_tar)
                       .file("a.json", config)
                       .file("manifest.json", docker_manifest("a.json", R"("l")", "\"Bad Name\""))
                       .finish(),
                   "invalid reference format");
    expect_refused(
        TarBuilder().file("index.json", R"({"manifests":[],"layers":[],"config":{}})").finish(),
        "both manifests and layers");
    expect_refused(TarBuilder().file("manifest.json", std::string(9U << 20U, ' ')).finish(),
                   "more than");
    const std::string good = TarBuilder()
                                 .file("l", layer_tar)
                                 .file("a.json", config)
                                 .file("manifest.json", docker_manifest("a.json", R"("l")"))
                                 .finish();
    expect_refused(good.substr(0, 1200), "runcated");
}

TEST_F(LoadTest, HostileLayerIsRefusedAndForgotten) {
    for (const auto& layer : {TarBuilder().file("../x", "x").finish(),
                              TarBuilder().hardlink("x", "../../../etc/passwd").finish(),
                              TarBuilder().file(".wh.", "").finish()}) {
        const std::string config = config_for({layer});
        expect_refused(TarBuilder()
                           .file("l", layer)
                           .file("a.json", config)
                           .file("manifest.json", docker_manifest("a.json", R"("l")"))
                           .finish(),
                       "");
    }
}

TEST_F(LoadTest, FullDiskLeavesNothing) {
    const auto small = directory_.path() / "small";
    std::filesystem::create_directory(small);
    try {
        os::mount_at({"tmpfs", "tmpfs", small, {"size=2m"}}, small);
    } catch (const SysError& error) {
        GTEST_SKIP() << error.message();
    }
    {
        content::Store content(small / "content");
        const auto snapshots = snapshot::make_snapshotter("overlay", small / "overlay");
        Store full({directory_.path() / "full.db", content, *snapshots});
        const Fd file = memory_file(TarBuilder().file("a", std::string(3U << 20U, 'a')).finish());
        const auto error = error_of([&] { import_tar(full, file.get(), {}); });
        EXPECT_EQ(error.kind(), ErrorKind::unavailable);
        EXPECT_THAT(error.message(), HasSubstr("no space left on device"));
        EXPECT_TRUE(content.list().empty());
        EXPECT_TRUE(snapshots->list().empty());
        EXPECT_TRUE(full.list(true).empty());
        const Fd fits = memory_file(layer_tar);
        EXPECT_NO_THROW(import_tar(full, fits.get(), {}));
    }
    os::unmount(small);
}

TEST_F(LoadTest, ImportWithChanges) {
    const Fd file = memory_file(layer_tar);
    const Image image = import_tar(
        store(), file.get(),
        {.name = oci::Reference::parse("mine"),
         .message = "note",
         .changes = {"CMD [\"/bin/x\",\"-y\"]", "env A=1 B='two words'", "EXPOSE 80 53/udp",
                     "ENTRYPOINT run it", "LABEL a=b", "WORKDIR /w", "USER u"}});
    EXPECT_THAT(image.config.config.cmd, ElementsAre("/bin/x", "-y"));
    EXPECT_THAT(image.config.config.env, ElementsAre("A=1", "B=two words"));
    EXPECT_THAT(image.config.config.exposed_ports, ElementsAre("53/udp", "80/tcp"));
    EXPECT_THAT(image.config.config.entrypoint, ElementsAre("/bin/sh", "-c", "run it"));
    EXPECT_EQ(image.config.history.at(0).comment, "note");
    EXPECT_THAT(image.tags, ElementsAre("mine:latest"));

    const Fd again = memory_file(layer_tar);
    EXPECT_THAT(error_of([&] {
                    import_tar(store(), again.get(), {.changes = {"RUN rm -rf /"}});
                }).message(),
                HasSubstr("RUN is not a valid change command"));
    const Fd rubbish = memory_file("hello, this is not a tar archive");
    EXPECT_EQ(error_of([&] { import_tar(store(), rubbish.get(), {}); }).kind(),
              ErrorKind::invalid_argument);
    EXPECT_EQ(snapshot_count(), 1U);
}

TEST_F(LoadTest, BootstrapBusyboxIsReproducible) {
    if (::access("/usr/bin/busybox", X_OK) != 0 && ::access("/bin/busybox", X_OK) != 0) {
        GTEST_SKIP() << "no busybox on this host";
    }
    const Progress quiet = [](const std::string&) {};
    const Image first = bootstrap(store(), {.what = "busybox"}, quiet);
    EXPECT_THAT(first.tags, ElementsAre("busybox:latest"));
    const auto root = directory_.path() / "overlay" / "1" / "fs";
    struct stat info {};
    ASSERT_EQ(::stat((root / "tmp").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777U, 01777U);
    ASSERT_EQ(::stat((root / "bin/sh").c_str(), &info), 0);
    const Image second =
        bootstrap(store(), {.what = "busybox", .name = oci::Reference::parse("again")}, quiet);
    EXPECT_EQ(first.id, second.id);
}

TEST_F(LoadTest, BootstrapRefusesWhatItDoesNotKnow) {
    const Progress quiet = [](const std::string&) {};
    for (const char* what : {"gentoo", "debian", "debian:--foo", "freebsd:../x", "busybox:1"}) {
        EXPECT_EQ(error_of([&] { bootstrap(store(), {.what = what}, quiet); }).kind(),
                  ErrorKind::invalid_argument)
            << what;
    }
    EXPECT_EQ(error_of([&] {
                  bootstrap(store(), {.what = "freebsd:14.3", .source = "/nonexistent/base.txz"},
                            quiet);
              }).kind(),
              ErrorKind::failed_precondition);
}

}  // namespace
}  // namespace brig::image
