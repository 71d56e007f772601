// Tar archives read sequentially through libarchive: tar and nothing else, from a Source.
#pragma once

#include <memory>

#include "archive/layer.h"
#include "archive/stream.h"
#include "archive/tree_writer.h"
#include "archive/utf8_locale.h"

struct archive;
struct archive_entry;

namespace brig::archive {

/// Not thread-safe; used on the thread that made it.
class TarInput {
public:
    /// `tar` is uncompressed and must outlive it.
    explicit TarInput(Source& tar, Padding padding = Padding::required);
    ~TarInput();

    /// The next entry; false at the end. Throws Error{invalid_argument} for what is not tar and for
    /// a truncated stream.
    bool next();
    /// Always with its size.
    [[nodiscard]] const Entry& entry() const { return entry_; }
    /// The current regular file's bytes, holes as zeros; valid until next().
    Source& body();

private:
    struct State;
    std::unique_ptr<State> state_;
    Entry entry_;
};

}  // namespace brig::archive
