// A tree that somebody else changes while it is filled: between the check and the use, a directory
// becomes a link that leads out.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <set>
#include <thread>

#include "fixture.h"

namespace brig::archive {
namespace {

using namespace std::chrono_literals;

class RaceTest : public LayerTest, public ::testing::WithParamInterface<LayerForm> {
protected:
    /// `d` is by turns a directory and a link to `base_`, where the canary is.
    void swap_until(const std::atomic<bool>& done) const {
        const auto move = [&](const char* from, const char* to) {
            ::rename(upper(from).c_str(), upper(to).c_str());
        };
        while (!done) {
            move("d", "kept");
            move("evil", "d");
            move("d", "evil");
            move("kept", "d");
        }
    }
    [[nodiscard]] std::set<std::string> outside() const {
        std::set<std::string> out;
        for (const auto& entry : fs::directory_iterator(base_)) out.insert(entry.path().filename());
        return out;
    }
};

/// CVE-2025-47290, and CVE-2018-15664 in a layer.
TEST_P(RaceTest, NothingIsWrittenOrChangedOutside) {
    fs::create_directory(upper("d"));
    fs::create_symlink(base_, upper("evil"));
    ::chmod(base_.c_str(), 0700);
    const auto before = outside();
    const auto tar = TarBuilder()
                         .directory("d", 0777)
                         .file("d/canary", "harmed")
                         .file("d/planted", "x")
                         .directory("d/sub", 0777)
                         .file("d/sub/planted", "x")
                         .hardlink("d/second", "d/canary")
                         .symlink("d/link", "planted")
                         .file(".wh.gone")
                         .file("d/.wh.canary")
                         .finish();
    std::atomic<bool> done = false;
    std::thread swapper([&] { swap_until(done); });
    int whole = 0, refused = 0;
    for (const auto end = std::chrono::steady_clock::now() + 2s;
         std::chrono::steady_clock::now() < end;) {
        try {
            apply_tar(*from_memory(tar), tree(GetParam(), 0));
            ++whole;
        } catch (const Error&) {
            ++refused;
        }
    }
    done = true;
    swapper.join();
    EXPECT_GT(whole + refused, 10);
    EXPECT_EQ(outside(), before);
    EXPECT_EQ(look(base_).st_mode & 07777U, 0700U);
}

INSTANTIATE_TEST_SUITE_P(Forms, RaceTest, ::testing::Values(LayerForm::overlay, LayerForm::full));

}  // namespace
}  // namespace brig::archive
