// How many of an image's parts are on their way at once.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "image/push.h"
#include "pull_fixture.h"

namespace brig::image {
namespace {

/// Counts what is on its way at once, and waits for as many as there may be, and for one more.
class Crowd {
public:
    explicit Crowd(int allowed) : allowed_(allowed) {}
    void pass() {
        std::unique_lock lock(mutex_);
        most_ = std::max(most_, ++inside_);
        changed_.notify_all();
        changed_.wait_for(lock, std::chrono::seconds(10), [&] { return most_ >= allowed_; });
        changed_.wait_for(lock, std::chrono::milliseconds(100), [&] { return most_ > allowed_; });
        --inside_;
    }
    int most() {
        const std::scoped_lock lock(mutex_);
        return most_;
    }

private:
    const int allowed_;
    std::mutex mutex_;
    std::condition_variable changed_;
    int inside_ = 0;
    int most_ = 0;
};

TEST_F(PullTest, NoMoreAreOnTheirWayThanTheSettingsSay) {
    settings_.downloads = 2;
    settings_.uploads = 3;
    Crowd down(2), up(3);
    FakeRegistry both(
        [&](const FakeRequest& request) {
            if (request.method == "HEAD") return http_answer(404);
            if (request.method == "POST") return http_answer(202, "", "Location: /v2/up\r\n");
            return request.method == "PUT" ? http_answer(201) : answer(request);
        },
        [&](const FakeRequest& request) {
            if (request.target.find("/blobs/") != std::string::npos && request.method == "GET")
                down.pass();
            if (request.target.starts_with("/v2/up")) up.pass();
        });
    publish({"a", "b", "c", "d", "e", "f", "g"}, oci::Platform::host());
    const auto there = oci::Reference::parse(both.host() + "/x:1");
    Pull(store(), settings_, {.name = there}).run({});
    EXPECT_EQ(down.most(), 2);
    const auto again = oci::Reference::parse(both.host() + "/y:1");
    store().tag(there.familiar(), again.familiar());
    push(store(), settings_, {again, {}}, {});
    EXPECT_EQ(up.most(), 3);
}

}  // namespace
}  // namespace brig::image
