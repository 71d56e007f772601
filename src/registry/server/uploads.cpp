// See uploads.h.
#include "registry/server/uploads.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/random.h"
#include "registry/server/refusal.h"

namespace brig::registry::server {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t piece = 256U << 10U;
constexpr std::size_t max_hashes = 1024;  // in memory; the rest is read again

/// Random, in the form of a UUID: some clients look.
std::string new_id() {
    std::string id = random_hex(16);
    for (const std::size_t at : {20U, 16U, 12U, 8U}) id.insert(at, "-");
    return id;
}

bool is_id(const std::string& id) {
    return id.size() == 36 && id.find_first_not_of("0123456789abcdef-") == std::string::npos;
}

[[noreturn]] void unknown(const std::string& id) {
    throw Refusal(404, "BLOB_UPLOAD_UNKNOWN", fmt::format("there is no upload {:?}", id));
}

fs::path file_of(const Repo& repo, const std::string& id) {
    if (!is_id(id)) unknown(id);
    return repo.uploads() / id;
}

/// One request at a time may change a session.
Fd open_session(const Repo& repo, const std::string& id) {
    const fs::path path = file_of(repo, id);
    Fd file(::open(path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC));
    if (!file && errno == ENOENT) unknown(id);
    if (!file) throw SysError("open {}", path.string());
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        throw Refusal(409, "BLOB_UPLOAD_INVALID",
                      fmt::format("another request is writing to upload {}", id));
    }
    return file;
}

std::uint64_t size_of(const Fd& file) {
    struct stat info {};
    if (::fstat(file.get(), &info) != 0) throw SysError("look at an upload");
    return static_cast<std::uint64_t>(info.st_size);
}

Sha256 hash_of(const Fd& file) {
    Sha256 hash;
    std::vector<std::byte> buffer(piece);
    for (off_t at = 0;;) {
        const ssize_t count = ::pread(file.get(), buffer.data(), buffer.size(), at);
        if (count < 0) throw SysError("read an upload");
        if (count == 0) return hash;
        hash.update(std::span(buffer).first(static_cast<std::size_t>(count)));
        at += count;
    }
}

}  // namespace

std::string Uploads::begin(const Repo& repo) {
    make_directories(repo.uploads());
    std::string id = new_id();
    open_file((repo.uploads() / id).string(), O_WRONLY | O_CREAT | O_EXCL, 0600);
    keep(id, {});
    return id;
}

std::uint64_t Uploads::size(const Repo& repo, const std::string& id) const {
    std::error_code error;
    const auto size = fs::file_size(file_of(repo, id), error);
    if (error) unknown(id);
    return size;
}

std::uint64_t Uploads::append(const Repo& repo, const std::string& id, http::BodyStream& stream,
                              std::optional<std::uint64_t> start) {
    const Fd file = open_session(repo, id);
    std::uint64_t size = size_of(file);
    if (start && *start != size) {
        throw Refusal(416, "BLOB_UPLOAD_INVALID",
                      fmt::format("upload {} has {} bytes, not {}", id, size, *start))
            .with("Range", fmt::format("0-{}", size == 0 ? 0 : size - 1));
    }
    auto progress = take(id);
    if (progress && progress->size != size) progress.reset();
    std::vector<std::byte> buffer(piece);
    while (const std::size_t count = stream.read(buffer)) {
        const auto data = std::span(buffer).first(count);
        write_all(file.get(), data);
        size += count;
        if (!progress) continue;
        progress->hash.update(data);
        progress->size = size;
    }
    if (progress) keep(id, std::move(*progress));
    return size;
}

void Uploads::finish(const Repo& repo, const std::string& id, const Digest& expected) {
    const Fd file = open_session(repo, id);
    const fs::path path = file_of(repo, id);
    auto progress = take(id);
    const bool is_whole = progress && progress->size == size_of(file);
    const Digest digest = is_whole ? progress->hash.digest() : hash_of(file).digest();
    if (digest != expected) {
        ::unlink(path.c_str());
        throw Refusal(
            400, "DIGEST_INVALID",
            fmt::format("the upload has digest {}, not {}", digest.str(), expected.str()));
    }
    tree_.adopt_blob(repo, digest, path);
}

void Uploads::cancel(const Repo& repo, const std::string& id) {
    const Fd file = open_session(repo, id);
    take(id);
    ::unlink(file_of(repo, id).c_str());
}

std::optional<Uploads::Progress> Uploads::take(const std::string& id) {
    const std::scoped_lock lock(mutex_);
    auto node = progress_.extract(id);
    if (node.empty()) return std::nullopt;
    return std::move(node.mapped());
}

void Uploads::keep(const std::string& id, Progress progress) {
    const std::scoped_lock lock(mutex_);
    if (progress_.size() >= max_hashes) progress_.erase(progress_.begin());
    progress_.insert_or_assign(id, std::move(progress));
}

}  // namespace brig::registry::server
