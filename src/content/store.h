// The content-addressed blob store: on disk an OCI image layout (oci-layout, index.json,
// blobs/sha256/HEX), so that other tools can read it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/fd.h"

namespace brig::content {

class Store;

/// A blob being written under a temporary name; gone unless committed.
class Ingest {
public:
    Ingest(Ingest&&) noexcept;
    Ingest& operator=(Ingest&&) = delete;
    ~Ingest();

    /// Throws SysError (a full disk is `unavailable`).
    void write(std::span<const std::byte> data);
    void write(std::string_view data);
    [[nodiscard]] std::uint64_t size() const { return size_; }

    /// Makes the blob visible under its digest; one that is there already is kept. Throws
    /// Error{invalid_argument} when digest or size are not the expected ones; the blob is then
    /// not in the store.
    Digest commit(const std::optional<Digest>& expected = {},
                  std::optional<std::uint64_t> expected_size = {});

private:
    friend class Store;
    Ingest(Store& store, std::filesystem::path path, Fd file);

    Store* store_;
    std::filesystem::path path_;
    Fd file_;
    Sha256 hasher_;
    std::uint64_t size_ = 0;
};

/// Keeps blobs that nothing refers to yet from being collected; see Store::lease.
class Lease {
public:
    Lease(Lease&& other) noexcept : store_(std::exchange(other.store_, nullptr)) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease();

private:
    friend class Store;
    explicit Lease(Store& store) : store_(&store) {}
    Store* store_;
};

struct BlobInfo {
    Digest digest;
    std::uint64_t size;
};

/// Thread-safe. One process at a time uses a store.
class Store {
public:
    /// Creates the layout when absent and removes blobs left half-written by a crash.
    explicit Store(std::filesystem::path root);

    Ingest begin();
    /// A whole blob at once.
    Digest put(std::string_view bytes);
    /// Takes over a finished file on the store's file system, whose digest the caller has checked.
    void adopt(const std::filesystem::path& file, const Digest& digest);

    /// Throws Error{not_found} naming the digest.
    [[nodiscard]] Fd open(const Digest& digest) const;
    /// The whole of a small blob, checked against its digest. Throws Error{not_found}, or
    /// {invalid_argument} past `limit`, or {internal} when the bytes on disk are damaged.
    [[nodiscard]] std::string read(const Digest& digest, std::size_t limit) const;
    [[nodiscard]] std::optional<std::uint64_t> size(const Digest& digest) const;
    [[nodiscard]] bool has(const Digest& digest) const { return size(digest).has_value(); }
    [[nodiscard]] std::vector<BlobInfo> list() const;
    /// Absent is fine.
    void remove(const Digest& digest);

    /// While any lease lives, blobs committed or looked up in the meantime survive `collect`.
    Lease lease();
    [[nodiscard]] int leases() const;
    /// Removes every blob that is neither in `live` nor leased. Returns the bytes freed.
    std::uint64_t collect(const std::set<Digest>& live);
    /// Makes everything committed so far (on the whole file system) survive power loss. Call
    /// before anything durable refers to it.
    void sync() const;

    [[nodiscard]] const std::filesystem::path& root() const { return root_; }

private:
    friend class Ingest;
    friend class Lease;
    [[nodiscard]] std::filesystem::path blob_path(const Digest& digest) const;
    void touch(const Digest& digest) const;
    Digest install(Ingest& ingest, const Digest& digest);
    void place(const std::filesystem::path& file, std::uint64_t size, const Digest& digest);
    void end_lease();

    std::filesystem::path root_;
    Fd directory_;
    mutable std::mutex mutex_;
    mutable std::set<Digest> touched_;
    int lease_count_ = 0;
};

}  // namespace brig::content
