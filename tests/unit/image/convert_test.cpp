// Other blobs of the same image.
#include "image/convert.h"

#include "fixture.h"
#include "oci/manifest.h"

namespace brig::image {
namespace {

using archive::Compression;

class ConvertTest : public StoreTest {
protected:
    Image convert_to(Compression compression, const std::string& target,
                     const std::string& source = "app:1") {
        return convert(store(), {.source = source,
                                 .target = oci::Reference::parse(target),
                                 .compression = compression});
    }
    static std::string type_of(const Image& image) { return image.layers.at(0).media_type; }
    Digest diff_id_of(const oci::Descriptor& layer) {
        const Fd file = store().content().open(layer.digest);
        archive::HashingSource tar(archive::decompress(archive::from_fd(file.get())));
        return tar.finish();
    }
};

TEST_F(ConvertTest, MakesOtherBlobsOfTheSameImage) {
    const auto source = make_image({"one", "two"}, "app:1");
    for (const auto& [compression, type] : std::map<Compression, std::string_view>{
             {Compression::zstd, oci::media_type::layer_zstd},
             {Compression::gzip, oci::media_type::layer_gzip}}) {
        const auto made = convert_to(compression, "app:other");
        EXPECT_EQ(made.id, source.id);
        EXPECT_NE(made.manifest, source.manifest);
        ASSERT_EQ(made.layers.size(), 2U);
        for (std::size_t i = 0; i < 2; ++i) {
            EXPECT_EQ(made.layers[i].media_type, type);
            EXPECT_EQ(diff_id_of(made.layers[i]), source.config.diff_ids[i]);
        }
    }
    EXPECT_EQ(type_of(store().resolve("app:1")), oci::media_type::layer);
    // Back again it is what it was.
    EXPECT_EQ(convert_to(Compression::none, "app:back", "app:other").manifest, source.manifest);
}

TEST_F(ConvertTest, AFormIsItsNames) {
    const auto source = make_image({"one"}, "app:1");
    const auto zstd = convert_to(Compression::zstd, "app:zstd");
    store().tag("app:zstd", "copy:1");
    store().remove("app:zstd", {});
    open();
    const auto copy = store().resolve("copy:1");
    EXPECT_EQ(copy.manifest, zstd.manifest);
    EXPECT_EQ(copy.id, source.id);
    EXPECT_TRUE(store().content().has(zstd.layers[0].digest));
    // Given to something else, the name is no form any more.
    store().tag("app:1", "copy:1");
    EXPECT_EQ(store().resolve("copy:1").manifest, source.manifest);
    store().collect();
    EXPECT_FALSE(store().content().has(zstd.layers[0].digest));
    EXPECT_EQ(store().resolve("app:1").layers, source.layers);
}

TEST_F(ConvertTest, AFormThatIsLostIsTheImageItself) {
    const auto source = make_image({"one"}, "app:1");
    const auto zstd = convert_to(Compression::zstd, "app:zstd");
    std::filesystem::remove(directory_.path() / "content/blobs/sha256" /
                            std::string(zstd.manifest.hex()));
    open();
    EXPECT_EQ(store().resolve("app:zstd").manifest, source.manifest);
}

TEST_F(ConvertTest, TheSourceMayGoMeanwhile) {
    make_image({"one"}, "app:1");
    convert_to(Compression::gzip, "app:gzip");
    open();
    convert(store(), {.source = "app:gzip", .target = oci::Reference::parse("app:2"), .oci = true},
            [&](const TransferEvent&) { store().remove("app:gzip", {}); });
    for (const auto& layer : store().resolve("app:2").layers)
        EXPECT_TRUE(store().content().has(layer.digest));
}

TEST_F(ConvertTest, TypesBecomeOcis) {
    make_image({"one"}, "app:1");
    const auto manifest = oci::parse_manifest(store().content().read(
        convert_to(Compression::gzip, "app:2").manifest, oci::max_document_bytes));
    EXPECT_EQ(manifest.media_type, oci::media_type::manifest);
    EXPECT_EQ(manifest.config.media_type, oci::media_type::config);
}

TEST_F(ConvertTest, RefusesWhatCannotBe) {
    make_image({"one"}, "app:1");
    EXPECT_THROW(convert_to(Compression::zstd, "x:1", "missing:1"), Error);
    EXPECT_THROW(convert(store(), {.source = "app:1",
                                   .target = oci::Reference::parse("x:1"),
                                   .compression = Compression::gzip,
                                   .level = 10}),
                 Error);
    EXPECT_THROW(store().resolve("x:1"), Error);
}

}  // namespace
}  // namespace brig::image
