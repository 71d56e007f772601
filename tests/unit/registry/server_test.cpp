// The registry server by its service: requests in, replies out, a tree on disk.
#include "registry/server/collect.h"
#include "registry/server/manifests.h"
#include "registry/server/program.h"
#include "registry/server/refusal.h"
#include "registry/server/service.h"
#include "unit/registry/server_fixture.h"

namespace brig::registry::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(ServerTest, AnswersTheVersionCheck) {
    const auto reply = call("GET", "/v2/");
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(header(reply, "Docker-Distribution-Api-Version"), "registry/2.0");
}

TEST_F(ServerTest, StoresBlobsAtOnceAndByParts) {
    const auto digest = push_blob("lib/a", "hello");
    EXPECT_EQ(text(call("GET", "/v2/lib/a/blobs/" + digest)), "hello");
    const auto part = call("GET", "/v2/lib/a/blobs/" + digest, {}, {{"range", "bytes=1-3"}});
    EXPECT_EQ(part.status, 206);
    EXPECT_EQ(text(part), "ell");
    EXPECT_EQ(header(part, "Content-Range"), "bytes 1-3/5");
    EXPECT_EQ(text(call("GET", "/v2/lib/a/blobs/" + digest, {}, {{"range", "bytes=3-"}})), "lo");
    EXPECT_EQ(text(call("GET", "/v2/lib/a/blobs/" + digest, {}, {{"range", "bytes=-2"}})), "lo");
    EXPECT_EQ(call("GET", "/v2/lib/a/blobs/" + digest, {}, {{"range", "bytes=5-"}}).status, 416);
    EXPECT_EQ(text(call("GET", "/v2/lib/a/blobs/" + digest, {}, {{"range", "bytes=9"}})), "hello");
}

TEST_F(ServerTest, UploadsInChunksSurviveARestart) {
    const auto begun = call("POST", "/v2/lib/a/blobs/uploads/");
    ASSERT_EQ(begun.status, 202);
    const auto session = header(begun, "Location");
    auto sent =
        call("PATCH", session, "hello ", {{"content-range", "0-5"}, {"content-length", "6"}});
    EXPECT_EQ(sent.status, 202);
    EXPECT_EQ(header(sent, "Range"), "0-5");
    const auto skipped = call("PATCH", session, "x", {{"content-range", "9-9"}});
    EXPECT_EQ(skipped.status, 416);
    EXPECT_EQ(header(skipped, "Range"), "0-5");
    restart();
    const auto status = call("GET", session);
    EXPECT_EQ(status.status, 204);
    EXPECT_EQ(header(status, "Range"), "0-5");
    const auto digest = Digest::of("hello world").str();
    const auto done = call("PUT", session + "?digest=" + digest, "world");
    EXPECT_EQ(done.status, 201);
    EXPECT_EQ(header(done, "Location"), "/v2/lib/a/blobs/" + digest);
    EXPECT_EQ(text(call("GET", "/v2/lib/a/blobs/" + digest)), "hello world");
    EXPECT_EQ(call("GET", session).status, 404);
}

TEST_F(ServerTest, KeepsWhatCameBeforeACut) {
    const auto session = header(call("POST", "/v2/lib/a/blobs/uploads/"), "Location");
    EXPECT_EQ(cut_off("PATCH", session, "hel").status, 500);
    EXPECT_EQ(header(call("GET", session), "Range"), "0-2");
    EXPECT_EQ(call("PATCH", session, "lo", {{"content-range", "3-4"}}).status, 202);
    EXPECT_EQ(call("PUT", session + "?digest=" + Digest::of("hello").str()).status, 201);
    EXPECT_TRUE(has_blob("lib/a", "hello"));
    // A closing request that breaks off does not make a blob of half of it.
    const auto other = header(call("POST", "/v2/lib/a/blobs/uploads/"), "Location");
    EXPECT_EQ(cut_off("PUT", other + "?digest=" + Digest::of("half").str(), "half").status, 500);
    EXPECT_FALSE(has_blob("lib/a", "half"));
}

TEST_F(ServerTest, RefusesWrongDigests) {
    const auto wrong = Digest::of("other").str();
    const auto reply = call("POST", "/v2/a/blobs/uploads/?digest=" + wrong, "hello");
    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(code(reply), "DIGEST_INVALID");
    EXPECT_FALSE(has_blob("a", "other"));
    EXPECT_FALSE(has_blob("a", "hello"));
    for (const auto* digest : {"sha256:abc", "md5:d41d8cd98f00b204e9800998ecf8427e", "../../x"})
        EXPECT_EQ(call("GET", std::string("/v2/a/blobs/") + digest).status / 100, 4) << digest;
}

TEST_F(ServerTest, NamesCannotLeaveTheTree) {
    write_file_atomic(directory_.path() / "secret", "secret");
    for (const auto* name :
         {"..", "../..", "a/../../..", "A", "_blobs", "a//b", "a/_tags", ".", "a/"}) {
        const auto reply = call("GET", std::string("/v2/") + name + "/tags/list");
        EXPECT_EQ(reply.status / 100, 4) << name;
        EXPECT_EQ(call("POST", std::string("/v2/") + name + "/blobs/uploads/").status / 100, 4);
    }
    const auto session = header(call("POST", "/v2/a/blobs/uploads/"), "Location");
    for (const auto* id : {"..", "%2e%2e%2f%2e%2e", "0123456789abcdef0123456789abcdef----", "x"})
        EXPECT_EQ(call("GET", std::string("/v2/a/blobs/uploads/") + id).status, 404) << id;
    EXPECT_EQ(put_manifest("a", "../../x", "{}").status / 100, 4);
}

TEST_F(ServerTest, MountsFromWhereTheBlobIs) {
    const auto digest = push_blob("from", "shared");
    EXPECT_FALSE(has_blob("to", "shared"));
    EXPECT_EQ(call("POST", "/v2/to/blobs/uploads/?mount=" + digest + "&from=elsewhere").status,
              202);
    EXPECT_EQ(call("POST", "/v2/to/blobs/uploads/?mount=" + digest + "&from=from").status, 201);
    EXPECT_TRUE(has_blob("to", "shared"));
}

TEST_F(ServerTest, StoresManifestsByTagAndDigest) {
    const auto digest = push_image("lib/a", "1");
    const auto by_tag = call("GET", "/v2/lib/a/manifests/1");
    EXPECT_EQ(by_tag.status, 200);
    EXPECT_EQ(header(by_tag, "Content-Type"), manifest_type);
    EXPECT_EQ(header(by_tag, "Docker-Content-Digest"), digest);
    EXPECT_EQ(text(by_tag), image("config", "layer"));
    EXPECT_EQ(call("HEAD", "/v2/lib/a/manifests/" + digest).status, 200);
    EXPECT_EQ(code(call("GET", "/v2/lib/a/manifests/2")), "MANIFEST_UNKNOWN");
    EXPECT_EQ(code(call("GET", "/v2/lib/b/manifests/1")), "NAME_UNKNOWN");
    EXPECT_EQ(put_manifest("lib/a", Digest::of("x").str(), image("config", "layer")).status, 400);
    const auto tagged = put_manifest("lib/a", digest + "?tag=x&tag=y", image("config", "layer"));
    EXPECT_EQ(header(tagged, "OCI-Tag"), "x");
    EXPECT_EQ(call("HEAD", "/v2/lib/a/manifests/y").status, 200);
}

TEST_F(ServerTest, RefusesManifestsThatCannotBePulled) {
    push_blob("a", "config");
    const auto missing = put_manifest("a", "1", image("config", "absent"));
    EXPECT_EQ(missing.status, 404);
    EXPECT_EQ(code(missing), "MANIFEST_BLOB_UNKNOWN");
    // In another repository is not in this one.
    push_blob("b", "absent");
    EXPECT_EQ(put_manifest("a", "1", image("config", "absent")).status, 404);
    EXPECT_EQ(put_manifest("a", "1", "no json").status, 400);
    EXPECT_EQ(put_manifest("a", "1", "{}").status, 400);
    // CVE-2021-41190
    auto both = json::parse(image("config", "config"));
    both["manifests"] = json::array();
    EXPECT_EQ(code(put_manifest("a", "1", both.dump())), "MANIFEST_INVALID");
    EXPECT_EQ(put_manifest("a", "1", image("config", "config"), index_type).status, 400);
}

TEST_F(ServerTest, DeletesTagsManifestsAndBlobs) {
    const auto digest = push_image("a", "1");
    EXPECT_EQ(put_manifest("a", "2", image("config", "layer")).status, 201);
    EXPECT_EQ(call("DELETE", "/v2/a/manifests/2").status, 202);
    EXPECT_EQ(call("GET", "/v2/a/manifests/2").status, 404);
    EXPECT_EQ(call("GET", "/v2/a/manifests/1").status, 200);
    EXPECT_EQ(call("DELETE", "/v2/a/manifests/" + digest).status, 202);
    EXPECT_EQ(call("GET", "/v2/a/manifests/1").status, 404);
    EXPECT_EQ(call("DELETE", "/v2/a/manifests/" + digest).status, 404);
    EXPECT_EQ(call("DELETE", "/v2/a/blobs/" + Digest::of("layer").str()).status, 202);
    EXPECT_FALSE(has_blob("a", "layer"));
    EXPECT_EQ(call("DELETE", "/v2/a/blobs/" + Digest::of("layer").str()).status, 404);
}

TEST_F(ServerTest, ListsTagsInPages) {
    for (const auto* tag : {"b", "a", "c", "d"}) push_image("lib/a", tag);
    const auto tags = [&](const std::string& query) {
        const auto reply = call("GET", "/v2/lib/a/tags/list" + query);
        EXPECT_EQ(reply.status, 200);
        return json::parse(text(reply)).at("tags").get<std::vector<std::string>>();
    };
    EXPECT_THAT(tags(""), ElementsAre("a", "b", "c", "d"));
    EXPECT_THAT(tags("?n=2"), ElementsAre("a", "b"));
    EXPECT_THAT(tags("?n=2&last=b"), ElementsAre("c", "d"));
    EXPECT_THAT(tags("?last=c"), ElementsAre("d"));
    EXPECT_THAT(tags("?n=0"), ElementsAre());
    EXPECT_EQ(header(call("GET", "/v2/lib/a/tags/list?n=2"), "Link"),
              "</v2/lib/a/tags/list?n=2&last=b>; rel=\"next\"");
    EXPECT_EQ(header(call("GET", "/v2/lib/a/tags/list?n=9"), "Link"), "");
    EXPECT_EQ(call("GET", "/v2/lib/a/tags/list?n=x").status, 400);
    EXPECT_EQ(call("GET", "/v2/none/tags/list").status, 404);
    EXPECT_EQ(json::parse(text(call("GET", "/v2/_catalog"))).at("repositories"),
              json::array({"lib/a"}));
}

TEST_F(ServerTest, ListsReferrers) {
    const auto subject = push_image("a", "1");
    const json link{{"mediaType", manifest_type}, {"digest", subject}, {"size", 1}};
    const auto text_of = [&](const char* kind) {
        return image("config", "layer",
                     {{"subject", link}, {"artifactType", kind}, {"annotations", {{"k", kind}}}});
    };
    for (const auto* kind : {"text/sbom", "text/signature"}) {
        const auto reply = put_manifest("a", Digest::of(text_of(kind)).str(), text_of(kind));
        EXPECT_EQ(reply.status, 201);
        EXPECT_EQ(header(reply, "OCI-Subject"), subject);
    }
    const auto all = call("GET", "/v2/a/referrers/" + subject);
    EXPECT_EQ(header(all, "Content-Type"), index_type);
    EXPECT_EQ(json::parse(text(all)).at("manifests").size(), 2);
    const auto some = call("GET", "/v2/a/referrers/" + subject + "?artifactType=text/sbom");
    EXPECT_EQ(header(some, "OCI-Filters-Applied"), "artifactType");
    const auto found = json::parse(text(some)).at("manifests");
    ASSERT_EQ(found.size(), 1);
    EXPECT_EQ(found[0].at("artifactType"), "text/sbom");
    EXPECT_EQ(found[0].at("annotations").at("k"), "text/sbom");
    call("DELETE", "/v2/a/manifests/" + Digest::of(text_of("text/sbom")).str());
    EXPECT_EQ(json::parse(text(call("GET", "/v2/a/referrers/" + subject))).at("manifests").size(),
              1);
    EXPECT_EQ(json::parse(text(call("GET", "/v2/a/referrers/" + Digest::of("x").str())))
                  .at("manifests")
                  .size(),
              0);
}

TEST_F(ServerTest, CollectsWhatNothingRefersTo) {
    push_image("a", "1");
    push_blob("a", "garbage");
    const auto session = header(call("POST", "/v2/a/blobs/uploads/"), "Location");
    const CollectOptions now{.grace = std::chrono::seconds(0),
                             .upload_lifetime = std::chrono::seconds(0)};
    collect(*tree_, {});
    EXPECT_TRUE(has_blob("a", "garbage"));  // it may be part of a push
    EXPECT_EQ(call("GET", session).status, 204);
    const auto collected = collect(*tree_, now);
    EXPECT_EQ(collected.bytes, std::string("garbage").size());
    EXPECT_EQ(collected.uploads, 1);
    EXPECT_FALSE(has_blob("a", "garbage"));
    EXPECT_TRUE(has_blob("a", "layer"));
    EXPECT_EQ(call("GET", session).status, 404);
    EXPECT_EQ(call("GET", "/v2/a/manifests/1").status, 200);
}

TEST_F(ServerTest, CollectsUntaggedManifestsOnRequest) {
    const auto kept = push_image("a", "1");
    const json link{{"mediaType", manifest_type}, {"digest", kept}, {"size", 1}};
    const auto referrer = image("config", "layer", {{"subject", link}});
    put_manifest("a", Digest::of(referrer).str(), referrer);
    const auto loose = image("config", "layer", {{"annotations", {{"a", "b"}}}});
    put_manifest("a", Digest::of(loose).str(), loose);
    CollectOptions options{.grace = std::chrono::seconds(0)};
    EXPECT_EQ(collect(*tree_, options).manifests, 0);
    options.untagged = true;
    EXPECT_EQ(collect(*tree_, options).manifests, 1);
    EXPECT_EQ(call("GET", "/v2/a/manifests/" + Digest::of(loose).str()).status, 404);
    EXPECT_EQ(call("GET", "/v2/a/manifests/" + Digest::of(referrer).str()).status, 200);
}

TEST_F(ServerTest, ConfinesToRepositoriesAndToReading) {
    push_image("team/app", "1");
    push_image("other/app", "1");
    restart({.read_only = true, .repositories = {"team/*"}});
    EXPECT_EQ(call("GET", "/v2/team/app/manifests/1").status, 200);
    EXPECT_EQ(call("GET", "/v2/other/app/manifests/1").status, 403);
    EXPECT_EQ(call("GET", "/v2/team/manifests/1").status, 403);
    EXPECT_EQ(code(put_manifest("team/app", "2", image("config", "layer"))), "DENIED");
    EXPECT_EQ(call("POST", "/v2/team/app/blobs/uploads/").status, 403);
    EXPECT_EQ(call("DELETE", "/v2/team/app/manifests/1").status, 403);
    EXPECT_EQ(json::parse(text(call("GET", "/v2/_catalog"))).at("repositories"),
              json::array({"team/app"}));
    restart({.repositories = {"team/app"}});
    const auto theirs = push_blob("team/app", "mine");
    EXPECT_EQ(call("POST", "/v2/team/app/blobs/uploads/?mount=" + Digest::of("layer").str() +
                               "&from=other/app")
                  .status,
              202);
    EXPECT_EQ(call("POST", "/v2/other/app/blobs/uploads/").status, 403);
}

TEST_F(ServerTest, AsksForPasswords) {
    // htpasswd -bnB user secret, with five rounds
    const auto hash = "$2y$05$ZI2ZUz7oVdQWmaTA.sFTr.x.4uzdnfmaVmgBi8ODH5r6/.pjvlgnm";
    write_file_atomic(directory_.path() / "users", std::string("user:") + hash + "\n");
    restart({.htpasswd = directory_.path() / "users"});
    const auto refused = call("GET", "/v2/");
    EXPECT_EQ(refused.status, 401);
    EXPECT_THAT(header(refused, "WWW-Authenticate"), HasSubstr("Basic realm"));
    EXPECT_EQ(call("GET", "/v2/", {}, {{"authorization", "Basic dXNlcjp3cm9uZw=="}}).status, 401);
    for (int again = 0; again < 2; ++again)
        EXPECT_EQ(call("GET", "/v2/", {}, {{"authorization", "Basic dXNlcjpzZWNyZXQ="}}).status,
                  200);
    write_file_atomic(directory_.path() / "users", "user:plain\n");
    EXPECT_THROW(restart({.htpasswd = directory_.path() / "users"}), Error);
}

TEST_F(ServerTest, ALostBlobIsMissingRatherThanWrong) {
    const auto digest = push_blob("a", "hello");
    write_file_atomic(directory_.path() / "registry/blobs/sha256" / digest.substr(7), "hel");
    EXPECT_EQ(call("HEAD", "/v2/a/blobs/" + digest).status, 404);
    push_blob("a", "hello");
    EXPECT_EQ(text(call("GET", "/v2/a/blobs/" + digest)), "hello");
}

TEST(RegistryOptions, ExposureIsSaidInWords) {
    const auto check = [](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"serve", "--root", "/tmp/x"});
        check_exposure(parse_options(arguments));
    };
    EXPECT_NO_THROW(check({}));
    EXPECT_NO_THROW(check({"--listen=[::1]:5000"}));
    EXPECT_THROW(check({"--listen=:5000"}), Error);
    EXPECT_THROW(check({"--listen", "0.0.0.0:5000"}), Error);
    EXPECT_NO_THROW(check({"--listen=:5000", "--insecure"}));
    EXPECT_THROW(check({"--listen=:5000", "--tls-cert=a", "--tls-key=b"}), Error);
    EXPECT_NO_THROW(check({"--listen=:5000", "--tls-cert=a", "--tls-key=b", "--htpasswd=c"}));
    EXPECT_NO_THROW(check({"--listen=:5000", "--tls-cert=a", "--tls-key=b", "--read-only"}));
    EXPECT_THROW(parse_options({"serve", "--tls-cert=a"}), Error);
    EXPECT_THROW(parse_options({"serve", "--none"}), Error);
    EXPECT_THROW(parse_options({"other"}), Error);
}

}  // namespace
}  // namespace brig::registry::server
