// Byte streams between the parts of the archive pipeline: descriptor → inflate → hash → untar.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"

namespace brig::archive {

/// A pull stream. Not thread-safe.
class Source {
public:
    virtual ~Source() = default;
    /// The next bytes, valid until the following call; empty at the end. Throws Error.
    virtual std::span<const std::byte> next() = 0;
};

/// Reads a descriptor, which stays the caller's.
std::unique_ptr<Source> from_fd(int fd);
/// Reads memory that stays the caller's.
std::unique_ptr<Source> from_memory(std::string_view bytes);

enum class Compression { none, gzip, zstd, xz, bzip2 };

/// By the first bytes of a stream, of which six suffice.
Compression detect(std::span<const std::byte> head);
/// An image layer may be plain, gzip or zstd only.
inline bool is_layer_compression(Compression compression) {
    return compression != Compression::xz && compression != Compression::bzip2;
}

/// The first six bytes or more (fewer in a shorter stream), and the stream from its beginning.
struct Peeked {
    std::vector<std::byte> head;
    std::unique_ptr<Source> whole;
};
Peeked peek(std::unique_ptr<Source> source);

/// Inflates what detect() knows, passes anything else through. A stream that ends early throws
/// Error{invalid_argument}.
std::unique_ptr<Source> decompress(std::unique_ptr<Source> source);

/// Reads `source` ahead on a thread of its own, a megabyte at most. `source` must outlive it and is
/// not to be used by others until the end was read or the result destroyed.
std::unique_ptr<Source> on_own_thread(Source& source);

/// Counts and digests what passes through it.
class HashingSource : public Source {
public:
    explicit HashingSource(std::unique_ptr<Source> source) : source_(std::move(source)) {}
    std::span<const std::byte> next() override;
    /// Reads to the end: the digest is of the whole stream, padding behind a tar included.
    Digest finish();
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

private:
    std::unique_ptr<Source> source_;
    Sha256 hasher_;
    std::uint64_t bytes_ = 0;
};

/// Where written archives go.
using Sink = std::function<void(std::span<const std::byte>)>;
Sink to_fd(int fd);

/// gzip at `level`; `finish` writes the trailer.
class GzipSink {
public:
    GzipSink(Sink out, int level);
    ~GzipSink();
    void write(std::span<const std::byte> data);
    void finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace brig::archive
