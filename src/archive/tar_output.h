// Tar archives written through libarchive: pax where ustar does not suffice, nothing in them that
// differs between two runs over the same files.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "archive/owner_map.h"
#include "archive/stream.h"

namespace brig::archive {

/// Used on the thread that made it.
class TarOutput {
public:
    /// `owners` is what add_node() finds on disk.
    explicit TarOutput(Sink out, OwnerMap owners = {});
    ~TarOutput();

    /// The node `name` in `directory` under the archive name `as`, without its children. Sockets
    /// are left out; further names of a file already written become hard links.
    void add_node(int directory, const std::string& name, const std::string& as);
    /// A regular file made of `bytes`.
    void add_bytes(const std::string& as, std::string_view bytes, mode_t mode = 0644,
                   timespec mtime = {});
    /// A regular file of `size` bytes read from `body`.
    void add_stream(const std::string& as, std::uint64_t size, Source& body);
    void add_directory(const std::string& as, mode_t mode = 0755, timespec mtime = {});
    void add_symlink(const std::string& as, const std::string& target);
    /// Writes the end of the archive.
    void finish();
    /// Of regular files, so far.
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
    [[nodiscard]] std::uint64_t entries() const { return entries_; }

private:
    struct State;
    std::unique_ptr<State> state_;
    std::uint64_t bytes_ = 0;
    std::uint64_t entries_ = 0;
};

}  // namespace brig::archive
