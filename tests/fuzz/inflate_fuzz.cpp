// Inflates arbitrary bytes; stops after a while, since a small input may be a large output.
#include <cstdint>

#include "archive/stream.h"
#include "base/error.h"

using namespace brig;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        const auto source =
            archive::decompress(archive::from_memory({reinterpret_cast<const char*>(data), size}));
        std::size_t total = 0;
        for (auto chunk = source->next(); !chunk.empty() && total < (8U << 20U);
             chunk = source->next()) {
            total += chunk.size();
        }
    } catch (const Error&) {
        // The only way to refuse.
    }
    return 0;
}
