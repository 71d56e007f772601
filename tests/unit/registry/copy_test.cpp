// Images from one repository to its sister.
#include "registry/copy.h"

#include "oci/manifest.h"
#include "unit/registry/fixture.h"

namespace brig::registry {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class Copy : public RegistryTest {
protected:
    void SetUp() override {
        oci::Manifest manifest{.config = describe("config")};
        manifest.layers = {describe("layer")};
        manifest_ = manifest.to_json();
    }
    std::string answer(const FakeRequest& request, bool mounts) {
        if (request.method == "HEAD") return http_answer(404);
        if (request.method == "POST")
            return http_answer(mounts ? 201 : 202, "", "Location: /v2/to/up\r\n");
        if (request.method == "PATCH" || request.method == "PUT")
            return http_answer(request.method == "PUT" ? 201 : 202, "", "Location: /v2/to/up\r\n");
        for (const std::string bytes : {"config", "layer"}) {
            if (request.target.ends_with(Digest::of(bytes).hex())) return http_answer(200, bytes);
        }
        return http_answer(200, manifest_,
                           "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n");
    }
    void copy() {
        const auto in = [&](const std::string& path, Access access) {
            return Repository(settings(), oci::Reference::parse(fake_->host() + "/" + path), {},
                              access);
        };
        auto from = in("from", Access::pull);
        auto to = in("to", Access::push);
        copy_manifest(from, to, Digest::of(manifest_), store_);
    }
    std::string manifest_;
};

TEST_F(Copy, MountsWhatItCan) {
    serve([this](const FakeRequest& request) { return answer(request, true); });
    copy();
    EXPECT_EQ(fake_->count("from=from"), 2U);
    EXPECT_EQ(fake_->count("PUT /v2/to/up"), 0U);
    EXPECT_EQ(fake_->asked().back(), "PUT /v2/to/manifests/" + Digest::of(manifest_).str());
    EXPECT_THAT(fake_->asked(), Not(Contains(HasSubstr("GET /v2/from/blobs"))));
}

TEST_F(Copy, CarriesWhatIsNotMounted) {
    serve([this](const FakeRequest& request) { return answer(request, false); });
    copy();
    EXPECT_EQ(fake_->count("GET /v2/from/blobs"), 2U);
    EXPECT_EQ(fake_->count("PUT /v2/to/up"), 2U);
    EXPECT_EQ(fake_->asked().back(), "PUT /v2/to/manifests/" + Digest::of(manifest_).str());
}

}  // namespace
}  // namespace brig::registry
