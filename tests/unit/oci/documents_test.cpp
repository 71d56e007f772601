// Manifests, indexes and configurations, honest and hostile.
#include <gmock/gmock.h>

#include "base/error.h"
#include "oci/image_config.h"
#include "oci/manifest.h"

namespace brig::oci {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string digest = "sha256:" + std::string(64, 'a');
const std::string descriptor = R"({"mediaType":"x","digest":")" + digest + R"(","size":7})";

template <typename Action>
std::string refusal(Action action) {
    try {
        action();
    } catch (const Error& e) {
        EXPECT_EQ(e.kind(), ErrorKind::invalid_argument);
        return e.message();
    }
    return "accepted";
}

TEST(Manifest, RoundTrip) {
    const auto manifest =
        parse_manifest(R"({"schemaVersion":2,"config":)" + descriptor + R"(,"layers":[)" +
                       descriptor + R"(],"annotations":{"a":"b"}})");
    EXPECT_EQ(manifest.layers.size(), 1U);
    EXPECT_EQ(manifest.config.size, 7);
    EXPECT_EQ(parse_manifest(manifest.to_json()).to_json(), manifest.to_json());
    const auto index =
        parse_index(R"({"manifests":[{"digest":")" + digest +
                    R"(","size":1,"platform":{"os":"linux","architecture":"arm64"}}]})");
    EXPECT_EQ(index.manifests[0].platform->architecture, "arm64");
    EXPECT_EQ(parse_index(index.to_json()).to_json(), index.to_json());
}

TEST(Manifest, HostileDocuments) {
    const auto refuse = [](const std::string& text, const char* type = "") {
        return refusal([&] { (void)parse_manifest_or_index(text, type); });
    };
    const std::string good = R"({"config":)" + descriptor + R"(,"layers":[]})";
    EXPECT_THAT(refuse(""), HasSubstr("not valid JSON"));
    EXPECT_THAT(refuse("[]"), HasSubstr("not a JSON object"));
    EXPECT_THAT(refuse("{}"), HasSubstr("neither manifests nor layers"));
    // CVE-2021-41190
    EXPECT_THAT(refuse(R"({"manifests":[],"layers":[]})"), HasSubstr("both manifests and layers"));
    EXPECT_THAT(
        refuse(
            R"({"mediaType":"application/vnd.oci.image.index.v1+json","layers":[],"config":{}})"),
        HasSubstr("media type of an index"));
    EXPECT_THAT(refuse(good, "application/vnd.oci.image.index.v1+json"),
                HasSubstr("media type of an index"));
    EXPECT_THAT(
        refuse(
            R"({"mediaType":"application/vnd.oci.image.manifest.v1+json","layers":[],"config":{}})",
            "application/vnd.docker.distribution.manifest.v2+json"),
        HasSubstr("was announced"));
    // CVE-2021-21285
    EXPECT_THAT(refuse(R"({"layers":[]})"), HasSubstr("\"config\" is missing"));
    EXPECT_THAT(refuse(R"({"layers":null,"config":null})"), HasSubstr("\"config\" is missing"));
    EXPECT_THAT(refuse(R"({"layers":[null],"config":)" + descriptor + "}"),
                HasSubstr("layers[0]: not an object"));
    EXPECT_THAT(refuse(R"({"layers":[],"config":{"digest":"sha256:../../x"}})"),
                HasSubstr("config: invalid digest"));
    EXPECT_THAT(refuse(R"({"layers":[],"config":{"digest":")" + digest + R"(","size":-1}})"),
                HasSubstr("negative"));
    EXPECT_THAT(refuse(R"({"layers":[],"config":{"digest":")" + digest + R"(","size":1e300}})"),
                HasSubstr("64-bit"));
    EXPECT_THAT(refuse(R"({"schemaVersion":1,"fsLayers":[],"layers":[]})"), HasSubstr("schema 1"));
    EXPECT_THAT(refuse(std::string(max_document_bytes + 1, ' ')), HasSubstr("larger than"));
    EXPECT_NE(refuse(std::string(100'000, '[')), "accepted");
}

TEST(ImageConfig, ReadsDockersAndWritesItself) {
    const auto config = ImageConfig::parse(R"({
        "architecture":"amd64","os":"linux","created":"2024-01-02T03:04:05.5Z","author":null,
        "config":{"User":"u","Env":["A=b"],"Cmd":"single","Entrypoint":null,"ExposedPorts":{"80/tcp":{}},
                  "Volumes":{"/v":{}},"Labels":{"k":"v"},"Healthcheck":{"Test":["CMD","x"],"Interval":5000000000,"Retries":3},
                  "OnBuild":["RUN x"],"Shell":["/bin/bash","-c"],"StopSignal":"SIGINT","StopTimeout":7,"WorkingDir":"/w"},
        "container_config":{"anything":1},"rootfs":{"type":"layers","diff_ids":[")" +
                                           digest + R"("]},
        "history":[{"created":"2024-01-02T03:04:05Z","created_by":"x","empty_layer":true},{"created_by":"y"}]})");
    EXPECT_THAT(config.config.cmd, ElementsAre("single"));
    EXPECT_EQ(config.config.health_check->interval, std::chrono::seconds(5));
    EXPECT_EQ(config.config.stop_timeout, 7);
    EXPECT_EQ(format_rfc3339(config.created), "2024-01-02T03:04:05.5Z");
    EXPECT_TRUE(config.history[0].empty_layer);
    EXPECT_EQ(ImageConfig::parse(config.to_json()), config);
    EXPECT_EQ(ImageConfig::parse(config.to_json()).to_json(), config.to_json());
    EXPECT_EQ(ImageConfig::parse("{}"), ImageConfig{});
    EXPECT_EQ(ImageConfig::parse(R"({"config":null,"rootfs":null,"history":null})"), ImageConfig{});
}

TEST(ImageConfig, NamesTheWrongField) {
    const auto refuse = [](const std::string& text) {
        return refusal([&] { (void)ImageConfig::parse(text); });
    };
    EXPECT_THAT(refuse(R"({"config":{"Env":"A=b","Labels":[]}})"),
                HasSubstr("\"Labels\" is not an object"));
    EXPECT_THAT(refuse(R"({"config":{"Cmd":[1]}})"),
                HasSubstr("\"Cmd\" is not an array of strings"));
    EXPECT_THAT(refuse(R"({"rootfs":{"diff_ids":["x"]}})"), HasSubstr("invalid digest"));
    EXPECT_THAT(refuse(R"({"rootfs":{"type":"windows"}})"), HasSubstr("rootfs"));
    EXPECT_THAT(refuse(R"({"history":[1]})"), HasSubstr("history"));
    EXPECT_THAT(refuse("nonsense"), HasSubstr("not valid JSON"));
}

TEST(ChainId, FollowsTheSpecification) {
    const auto a = Digest::of("a");
    const auto b = Digest::of("b");
    EXPECT_EQ(chain_ids({a, b})[0], a);
    EXPECT_EQ(chain_ids({a, b})[1], Digest::of(a.str() + " " + b.str()));
    EXPECT_EQ(chain_id(a, b), chain_ids({a, b})[1]);
}

}  // namespace
}  // namespace brig::oci
