// What a registry can do wrong, in every order: a transfer ends well or with the registry's words,
// and what is in the store or in the registry afterwards is whole.
#include "oci/manifest.h"
#include "unit/registry/fixture.h"

namespace brig::registry {
namespace {

using ::testing::HasSubstr;

const std::string bytes(60'000, 'b');
constexpr std::size_t cut_after = 100;

enum Trouble { unauthorized, absent, bad_range, too_many, broken, cut, hang_up };
constexpr int kinds = 7;
using Troubles = std::array<Trouble, 3>;

std::vector<Troubles> every_order() {
    std::vector<Troubles> out;
    for (int i = 0; i < kinds * kinds * kinds; ++i)
        out.push_back({Trouble(i / kinds / kinds), Trouble(i / kinds % kinds), Trouble(i % kinds)});
    return out;
}

std::string words_of(const Troubles& troubles) {
    std::string out;
    for (const auto trouble : troubles) out += std::to_string(trouble) + " ";
    return out;
}

/// A registry with tokens, each good until the registry forgets it, that is in trouble at first.
class TroubleTest : public RegistryTest {
protected:
    void serve_with_tokens(FakeRegistry::Handler handler) {
        serve_all([this, handler](const FakeRequest& request) -> FakeAnswer {
            if (request.target.starts_with("/token"))
                return http_answer(200, "{\"token\":\"t" + std::to_string(++token_) + "\"}");
            if (!request.has("Authorization: Bearer t" + std::to_string(token_) + "\r\n"))
                return challenge();
            if (!active_ || request.target.find("tags/list") != std::string::npos)
                return http_answer(200, R"({"tags":["a"]})");
            const auto number = asked_++;
            if (number < first_ || number >= first_ + troubles_.size()) return handler(request);
            return trouble(troubles_[number - first_], request);
        });
    }
    std::string challenge() const {
        return http_answer(401, "",
                           "WWW-Authenticate: Bearer realm=\"" + fake_->url() + "/token\"\r\n");
    }
    std::string trouble(Trouble kind, const FakeRequest& request) {
        const auto whole = http_answer(200, bytes, type_);
        switch (kind) {
            case unauthorized: ++token_; return challenge();
            case absent: return http_answer(404);
            case bad_range: return http_answer(416);
            case too_many: return http_answer(429);
            case broken: return http_answer(500);
            case cut:
                if (!on_cut_) return whole.substr(0, whole.size() - bytes.size() + cut_after);
                on_cut_(request);
                return "";
            case hang_up:
                if (on_hang_up_) on_hang_up_(request);
                return "";
        }
        return "";
    }
    /// What `work` throws, in a repository for which there is a token by now.
    std::string end_of(const Troubles& troubles, const std::function<void(Repository&)>& work,
                       Access access = Access::pull) {
        auto repo = repository({}, access);
        active_ = false;
        repo.tags();
        active_ = true;
        asked_ = 0;
        troubles_ = troubles;
        return error_of([&] { work(repo); });
    }

    Troubles troubles_{};
    std::size_t first_ = 0;  ///< so many requests go well before
    std::string type_;       ///< a header
    std::function<void(const FakeRequest&)> on_cut_, on_hang_up_;

private:
    std::size_t asked_ = 0;
    int token_ = 0;
    bool active_ = false;
};

/// What a download must say. A token that is refused is replaced, but not twice in a row; 416 is a
/// refusal unless there was a range, after which the blob comes from its beginning.
std::string expected_of_a_blob(const Troubles& troubles) {
    bool has_some = false, has_new_token = false;
    for (const auto trouble : troubles) {
        if (trouble == unauthorized && has_new_token) return "401";
        if (trouble == absent) return "404";
        if (trouble == bad_range && !has_some) return "416";
        if (trouble == bad_range) has_some = false;
        if (trouble == cut) has_some = true;
        has_new_token = trouble == unauthorized;
    }
    return "no error";
}

TEST_F(TroubleTest, BlobsInEveryOrder) {
    serve_with_tokens([&](const FakeRequest& request) {
        const auto range = request.head.find("Range: bytes=");
        if (range == std::string::npos) return http_answer(200, bytes);
        const auto had = std::strtoull(request.head.c_str() + range + 13, nullptr, 10);
        return http_answer(206, bytes.substr(had),
                           "Content-Range: bytes " + std::to_string(had) + "-59999/60000\r\n");
    });
    const auto blob = describe(bytes);
    for (const auto& troubles : every_order()) {
        const auto said =
            end_of(troubles, [&](Repository& from) { from.fetch_blob(blob, store_, {}); });
        const auto expected = expected_of_a_blob(troubles);
        EXPECT_THAT(said, HasSubstr(expected)) << words_of(troubles);
        EXPECT_EQ(store_.has(blob.digest), expected == "no error") << words_of(troubles);
        if (store_.has(blob.digest)) {
            EXPECT_EQ(store_.read(blob.digest, 1U << 20U), bytes) << words_of(troubles);
        }
        store_.remove(blob.digest);
        EXPECT_TRUE(store_.list().empty()) << words_of(troubles);
    }
}

TEST_F(TroubleTest, ManifestsInEveryOrder) {
    const std::string manifest =
        R"({"schemaVersion":2,"config":{"mediaType":"x","digest":"sha256:)" + std::string(64, '0') +
        R"(","size":1},"layers":[]})";
    type_ = "Content-Type: " + std::string(oci::media_type::manifest) + "\r\n";
    serve_with_tokens([&](const FakeRequest&) { return http_answer(200, manifest, type_); });
    for (auto troubles : every_order()) {
        Document got{{.media_type = {}, .digest = Digest::of("")}, {}};
        const auto said =
            end_of(troubles, [&](Repository& from) { got = from.manifest("latest"); });
        // Of a manifest nothing is kept, so that no range is ever asked for.
        for (auto& trouble : troubles) trouble = trouble == cut ? hang_up : trouble;
        const auto expected = expected_of_a_blob(troubles);
        EXPECT_THAT(said, HasSubstr(expected)) << words_of(troubles);
        EXPECT_EQ(got.bytes == manifest, expected == "no error") << words_of(troubles);
    }
}

/// An upload as a registry sees it.
struct Incoming {
    std::string got;
    bool open = false, complete = false;

    std::string answer(const FakeRequest& request) {
        if (request.method == "HEAD") return http_answer(complete ? 200 : 404);
        if (request.method == "POST") {
            got.clear();
            open = true;
            return http_answer(202, "", location);
        }
        if (!open) return http_answer(404);
        if (request.method == "GET") {
            const auto last = std::to_string(got.empty() ? 0 : got.size() - 1);
            return http_answer(204, "", "Range: 0-" + last + "\r\n" + location);
        }
        if (!request.body.empty() && start_of(request) != got.size()) return http_answer(416);
        got += request.body;
        if (request.method == "PATCH") return http_answer(202, "", location);
        open = false;
        complete = true;
        return http_answer(201);
    }
    void take_half(FakeRequest request) {
        request.body.resize(request.body.size() / 2);
        if (request.method == "PATCH") answer(request);
    }

private:
    static std::size_t start_of(const FakeRequest& request) {
        const auto range = request.head.find("Content-Range: ");
        return range == std::string::npos
                   ? 0
                   : std::strtoull(request.head.c_str() + range + 15, nullptr, 10);
    }
    static constexpr const char* location = "Location: /v2/up\r\n";
};

/// In trouble when it is to begin an upload, to take the bytes, or to end it.
TEST_F(TroubleTest, UploadsInEveryOrder) {
    const std::string blob((1U << 20U) + 10'000, 'u');
    const auto lease = store_.lease();
    store_.put(blob);
    const Fd file = store_.open(Digest::of(blob));
    Incoming incoming;
    serve_with_tokens([&](const FakeRequest& request) { return incoming.answer(request); });
    // Answers that are cut, and those that never come although all was done.
    on_cut_ = [&](const FakeRequest& request) { incoming.take_half(request); };
    on_hang_up_ = [&](const FakeRequest& request) { incoming.answer(request); };
    std::size_t number = 0;
    for (const auto& troubles : every_order()) {
        incoming = {};
        first_ = 1 + number++ % 3;
        const auto said = end_of(
            troubles, [&](Repository& to) { to.put_blob(describe(blob), file, {}, {}); },
            Access::push);
        const auto where = words_of(troubles) + "after " + std::to_string(first_);
        if (said == "no error") {
            EXPECT_TRUE(incoming.complete && incoming.got == blob) << where;
            continue;
        }
        const bool refused = std::ranges::count(troubles, unauthorized) > 1 ||
                             std::ranges::count(troubles, absent) > 0 ||
                             std::ranges::count(troubles, bad_range) > 0;
        EXPECT_TRUE(refused) << where << ": " << said;
        EXPECT_THAT(said, ::testing::ContainsRegex("status 4(01|04|16)")) << where;
    }
}

}  // namespace
}  // namespace brig::registry
