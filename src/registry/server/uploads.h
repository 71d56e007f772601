// Upload sessions: files that grow until a digest closes them. A session is its file, so it
// outlives the server; only the running hash is kept in memory, and made again where it is missing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/digest.h"
#include "base/fd.h"
#include "http/message.h"
#include "registry/server/tree.h"

namespace brig::registry::server {

/// Thread-safe.
class Uploads {
public:
    explicit Uploads(Tree& tree) : tree_(tree) {}

    /// Returns the session's name.
    std::string begin(const Repo& repo);
    /// Bytes so far. Throws Refusal{404 BLOB_UPLOAD_UNKNOWN}.
    [[nodiscard]] std::uint64_t size(const Repo& repo, const std::string& id) const;
    /// Appends all that `stream` yields and returns the new size. `start`: where the client
    /// believes the session to be; Refusal{416} when it is elsewhere. What has come before a
    /// connection broke stays.
    std::uint64_t append(const Repo& repo, const std::string& id, http::BodyStream& stream,
                         std::optional<std::uint64_t> start);
    /// Makes it a blob of the repository and ends the session. Throws Refusal{DIGEST_INVALID}, with
    /// which the session is over, too.
    void finish(const Repo& repo, const std::string& id, const Digest& expected);
    void cancel(const Repo& repo, const std::string& id);

private:
    /// The hash of a session's first `size` bytes.
    struct Progress {
        Sha256 hash;
        std::uint64_t size = 0;
    };
    std::optional<Progress> take(const std::string& id);
    void keep(const std::string& id, Progress progress);

    Tree& tree_;
    std::mutex mutex_;
    std::map<std::string, Progress> progress_;
};

}  // namespace brig::registry::server
