// A repository of a fake registry, and a content store to pull into.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "base/file.h"
#include "content/store.h"
#include "registry/repository.h"
#include "support/fake_registry.h"

namespace brig::registry {

using brig::testing::FakeAnswer;
using brig::testing::FakeRegistry;
using brig::testing::FakeRequest;
using brig::testing::http_answer;

class RegistryTest : public ::testing::Test {
protected:
    /// `/v2/` is answered by itself.
    void serve(FakeRegistry::Handler handler) {
        fake_ = std::make_unique<FakeRegistry>([handler](const FakeRequest& request) {
            return request.target == "/v2/" ? FakeAnswer(http_answer(200)) : handler(request);
        });
    }
    void serve_all(FakeRegistry::Handler handler) {
        fake_ = std::make_unique<FakeRegistry>(std::move(handler));
    }
    Settings settings() {
        Settings out;
        out.certificates.clear();
        out.stall_timeout = stall_timeout_;
        out.sleep = [this](std::chrono::milliseconds delay) { slept_.push_back(delay); };
        return out;
    }
    Repository repository(Credentials credentials = {}, Access access = Access::pull) {
        return {settings(), oci::Reference::parse(fake_->host() + "/foo/bar"), credentials, access};
    }
    /// An answer that breaks off after so many bytes of its body.
    static std::string cut_off(const std::string& body, std::size_t after) {
        const auto whole = http_answer(200, body);
        return whole.substr(0, whole.size() - body.size() + after);
    }
    static oci::Descriptor describe(std::string_view bytes) {
        return {.media_type = "application/octet-stream",
                .digest = Digest::of(bytes),
                .size = static_cast<std::int64_t>(bytes.size())};
    }
    template <typename Action>
    static std::string error_of(Action action) {
        try {
            action();
        } catch (const Error& e) {
            return e.message();
        }
        return "no error";
    }

    TempDir directory_{"/tmp", "brig-registry-test"};
    content::Store store_{directory_.path() / "content"};
    std::unique_ptr<FakeRegistry> fake_;
    std::vector<std::chrono::milliseconds> slept_;
    std::chrono::seconds stall_timeout_ = Settings().stall_timeout;
};

}  // namespace brig::registry
