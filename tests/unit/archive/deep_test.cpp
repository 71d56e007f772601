// Directories nested without end, as a program in a container can make them: neither stack nor
// descriptors may run out.
#include <gmock/gmock.h>
#include <sys/resource.h>

#include "archive/nodes.h"
#include "fixture.h"

namespace brig::archive {
namespace {

using ::testing::HasSubstr;

class DeepTest : public LayerTest {
protected:
    static constexpr int levels = 3000;

    void SetUp() override {
        LayerTest::SetUp();
        if (IsSkipped()) return;
        ::getrlimit(RLIMIT_NOFILE, &before_);
        rlimit few = before_;
        few.rlim_cur = max_depth * 3;
        ::setrlimit(RLIMIT_NOFILE, &few);
        Fd at = open("upper");
        for (int i = 0; i < levels; ++i) {
            ASSERT_EQ(::mkdirat(at.get(), "d", 0755), 0);
            at = open_directory_at(at.get(), "d");
            ASSERT_TRUE(at);
        }
    }
    void TearDown() override {
        if (before_.rlim_cur > 0) ::setrlimit(RLIMIT_NOFILE, &before_);
        LayerTest::TearDown();
    }

    rlimit before_{};
};

TEST_F(DeepTest, IsNotWritten) {
    for (const auto form : {LayerForm::overlay, LayerForm::full})
        EXPECT_THAT(refusal([&] { (void)layer_of(form, 0); }),
                    HasSubstr("is nested deeper than 256"));
    EXPECT_THAT(refusal([&] { (void)layer_of(LayerForm::full, 1); }),
                HasSubstr("is nested deeper"));
    EXPECT_THAT(refusal([&] { write_tree(open("upper"), [](auto) {}); }), HasSubstr("is nested"));
}

TEST_F(DeepTest, ListOfChangesRefusesIt) {
    EXPECT_THAT(refusal([&] { layer_changes(tree(LayerForm::overlay, 0)); }),
                HasSubstr("is nested deeper"));
}

}  // namespace
}  // namespace brig::archive
