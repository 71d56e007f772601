// See store.h. A blob is written as ingest/XXXXXX and renamed to blobs/sha256/HEX when its digest
// is right. Blobs are not flushed one by one: sync() flushes the file system once, before a
// database row refers to them. What a power loss truncates was therefore never referred to.
#include "content/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/defer.h"
#include "base/error.h"
#include "base/file.h"
#include "os/storage.h"

namespace brig::content {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view layout_file = R"({"imageLayoutVersion":"1.0.0"})";
constexpr std::string_view empty_index =
    R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]})";

std::optional<Digest> digest_from_name(const std::string& name) {
    try {
        return Digest::parse("sha256:" + name);
    } catch (const Error&) {
        return std::nullopt;
    }
}

}  // namespace

Ingest::Ingest(Store& store, fs::path path, Fd file)
    : store_(&store), path_(std::move(path)), file_(std::move(file)) {}

Ingest::Ingest(Ingest&& other) noexcept
    : store_(other.store_),
      path_(std::exchange(other.path_, {})),
      file_(std::move(other.file_)),
      hasher_(std::move(other.hasher_)),
      size_(other.size_) {}

Ingest::~Ingest() {
    if (!path_.empty()) ::unlink(path_.c_str());
}

void Ingest::write(std::span<const std::byte> data) {
    // What a full disk has taken of it is no part of the blob, if somebody goes on.
    Defer take_back([&] {
        if (::ftruncate(file_.get(), static_cast<off_t>(size_)) != 0 ||
            ::lseek(file_.get(), static_cast<off_t>(size_), SEEK_SET) < 0)
            file_.reset();
    });
    write_all(file_.get(), data);
    take_back.dismiss();
    hasher_.update(data);
    size_ += data.size();
}

void Ingest::write(std::string_view data) { write(std::as_bytes(std::span(data))); }

Digest Ingest::commit(const std::optional<Digest>& expected,
                      std::optional<std::uint64_t> expected_size) {
    const Digest digest = hasher_.digest();
    if (expected && *expected != digest) {
        throw Error(ErrorKind::invalid_argument, "content has digest {}, not {}", digest.str(),
                    expected->str());
    }
    if (expected_size && *expected_size != size_) {
        throw Error(ErrorKind::invalid_argument, "blob {} has {} bytes, not {}", digest.str(),
                    size_, *expected_size);
    }
    file_.reset();
    return store_->install(*this, digest);
}

Lease::~Lease() {
    if (store_ != nullptr) store_->end_lease();
}

Store::Store(fs::path root) : root_(std::move(root)) {
    make_directories(root_ / "blobs" / "sha256", 0700);
    remove_tree(root_ / "ingest");
    make_directories(root_ / "ingest", 0700);
    if (!fs::exists(root_ / "oci-layout"))
        write_file_atomic(root_ / "oci-layout", layout_file, 0644);
    if (!fs::exists(root_ / "index.json"))
        write_file_atomic(root_ / "index.json", empty_index, 0644);
    directory_ = open_file(root_.string(), O_RDONLY | O_DIRECTORY);
}

Ingest Store::begin() {
    std::string name = (root_ / "ingest" / "XXXXXX").string();
    Fd file(::mkostemp(name.data(), O_CLOEXEC));
    if (!file) throw SysError("create {}", name);
    return {*this, name, std::move(file)};
}

Digest Store::put(std::string_view bytes) {
    Ingest ingest = begin();
    ingest.write(bytes);
    return ingest.commit();
}

fs::path Store::blob_path(const Digest& digest) const {
    return root_ / "blobs" / "sha256" / digest.hex();
}

void Store::place(const fs::path& file, std::uint64_t size, const Digest& digest) {
    const std::scoped_lock lock(mutex_);
    const fs::path target = blob_path(digest);
    struct stat existing {};
    // A shorter file is what a power loss left of a blob that nothing had referred to yet.
    const bool is_there = ::stat(target.c_str(), &existing) == 0 &&
                          static_cast<std::uint64_t>(existing.st_size) == size;
    if (!is_there && ::rename(file.c_str(), target.c_str()) != 0) {
        throw SysError("rename {} to {}", file.string(), target.string());
    }
    if (is_there) ::unlink(file.c_str());
    touch(digest);
}

Digest Store::install(Ingest& ingest, const Digest& digest) {
    place(ingest.path_, ingest.size_, digest);
    ingest.path_.clear();
    return digest;
}

void Store::adopt(const fs::path& file, const Digest& digest) {
    place(file, fs::file_size(file), digest);
}

void Store::touch(const Digest& digest) const {
    if (lease_count_ > 0) touched_.insert(digest);
}

Fd Store::open(const Digest& digest) const {
    const std::scoped_lock lock(mutex_);
    Fd file(::open(blob_path(digest).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file && errno == ENOENT) {
        throw Error(ErrorKind::not_found, "no blob {} in the content store", digest.str());
    }
    if (!file) throw SysError("open blob {}", digest.str());
    touch(digest);
    return file;
}

std::string Store::read(const Digest& digest, std::size_t limit) const {
    const Fd file = open(digest);
    std::string bytes = read_to_end(file.get(), limit);
    if (Digest::of(bytes) != digest) {
        throw Error(ErrorKind::internal, "blob {} is damaged on disk", digest.str());
    }
    return bytes;
}

std::optional<std::uint64_t> Store::size(const Digest& digest) const {
    const std::scoped_lock lock(mutex_);
    struct stat info {};
    if (::stat(blob_path(digest).c_str(), &info) != 0) {
        if (errno == ENOENT) return std::nullopt;
        throw SysError("look at blob {}", digest.str());
    }
    touch(digest);
    return static_cast<std::uint64_t>(info.st_size);
}

std::vector<BlobInfo> Store::list() const {
    std::vector<BlobInfo> out;
    for (const auto& entry : fs::directory_iterator(root_ / "blobs" / "sha256")) {
        if (const auto digest = digest_from_name(entry.path().filename().string())) {
            std::error_code gone;
            const auto size = entry.file_size(gone);
            if (!gone) out.push_back({*digest, size});
        }
    }
    return out;
}

void Store::remove(const Digest& digest) {
    if (::unlink(blob_path(digest).c_str()) != 0 && errno != ENOENT) {
        throw SysError("remove blob {}", digest.str());
    }
}

Lease Store::lease() {
    const std::scoped_lock lock(mutex_);
    ++lease_count_;
    return Lease(*this);
}

int Store::leases() const {
    const std::scoped_lock lock(mutex_);
    return lease_count_;
}

void Store::end_lease() {
    const std::scoped_lock lock(mutex_);
    if (--lease_count_ == 0) touched_.clear();
}

std::uint64_t Store::collect(const std::set<Digest>& live) {
    const std::scoped_lock lock(mutex_);
    std::uint64_t freed = 0;
    for (const auto& blob : list()) {
        if (live.contains(blob.digest) || touched_.contains(blob.digest)) continue;
        remove(blob.digest);
        freed += blob.size;
    }
    return freed;
}

void Store::sync() const { os::sync_filesystem(directory_.get()); }

}  // namespace brig::content
