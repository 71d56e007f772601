// Streams into the compressions that an image's layer may have.
#pragma once

#include <memory>
#include <optional>

#include "archive/stream.h"

namespace brig::archive {

class Compressor {
public:
    virtual ~Compressor() = default;
    virtual void write(std::span<const std::byte> data) = 0;
    /// Once, at the end.
    virtual void finish() = 0;
};

/// gzip (levels 1 to 9), zstd (1 to 22) or none; equal input gives equal bytes. Without a level:
/// what most tools have as theirs. Throws Error{invalid_argument}.
std::unique_ptr<Compressor> make_compressor(Compression kind, Sink out,
                                            std::optional<int> level = {});

}  // namespace brig::archive
