// The ends of the pipeline: descriptors, memory, and the hash in between.
#include "archive/stream.h"

#include <fcntl.h>

#include <utility>

#include "base/fd.h"

namespace brig::archive {
namespace {

constexpr std::size_t buffer_bytes = 256 * 1024;

class FdSource : public Source {
public:
    explicit FdSource(int fd) : fd_(fd) {}
    std::span<const std::byte> next() override {
        return {buffer_.get(), read_some(fd_, {buffer_.get(), buffer_bytes})};
    }

private:
    int fd_;
    // Not set to zero: small streams touch little of it.
    std::unique_ptr<std::byte[]> buffer_ =
        std::make_unique_for_overwrite<std::byte[]>(buffer_bytes);
};

class MemorySource : public Source {
public:
    explicit MemorySource(std::string_view bytes) : bytes_(std::as_bytes(std::span(bytes))) {}
    std::span<const std::byte> next() override { return std::exchange(bytes_, {}); }

private:
    std::span<const std::byte> bytes_;
};

}  // namespace

std::unique_ptr<Source> from_fd(int fd) { return std::make_unique<FdSource>(fd); }

std::unique_ptr<Source> from_memory(std::string_view bytes) {
    return std::make_unique<MemorySource>(bytes);
}

std::span<const std::byte> HashingSource::next() {
    const auto chunk = source_->next();
    hasher_.update(chunk);
    bytes_ += chunk.size();
    return chunk;
}

Digest HashingSource::finish() {
    while (!next().empty()) {
    }
    return hasher_.digest();
}

Sink to_fd(int fd) {
    return [fd](std::span<const std::byte> data) { write_all(fd, data); };
}

}  // namespace brig::archive
