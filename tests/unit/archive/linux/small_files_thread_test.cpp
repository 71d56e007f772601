// Small files where no thread can be started that makes them.
#include "../fixture.h"
#include "support/no_threads.h"

namespace brig::archive {
namespace {

TEST_F(LayerTest, SmallFilesAreMadeByTheReaderWhereThereAreNoThreads) {
    constexpr int many = 1000;
    TarBuilder tar;
    for (int i = 0; i < many; ++i) tar.file("f" + std::to_string(i), std::to_string(i));
    {
        const ::brig::testing::NoThreads none;
        apply(tar.finish());
    }
    for (int i = 0; i < many; ++i)
        EXPECT_EQ(read_file(upper(("f" + std::to_string(i)).c_str())), std::to_string(i));
}

}  // namespace
}  // namespace brig::archive
