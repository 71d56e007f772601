// A flush ahead of time where no thread can be started for it.
#include "image/early_flush.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "support/no_threads.h"

namespace brig::image {
namespace {

TEST(EarlyFlush, IsNothingThatATransferFailsOf) {
    const TempDir work(std::filesystem::temp_directory_path(), "brig-flush-test");
    const content::Store content(work.path() / "content");
    EarlyFlush flush(content);
    {
        const ::brig::testing::NoThreads none;
        EXPECT_NO_THROW(flush.wrote(64U << 20U));
    }
    EXPECT_NO_THROW(flush.wrote(64U << 20U));
}

}  // namespace
}  // namespace brig::image
