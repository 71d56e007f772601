// From a directory and a Dockerfile to an image: the door to this layer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "build/runner.h"
#include "registry/settings.h"

namespace brig::archive {
class Source;
}
namespace brig::image {
class Store;
}
namespace brig::snapshot {
class Snapshotter;
}

namespace brig::build {

/// What POST /build and `brig build` ask for.
struct BuildRequest {
    /// The build context. Its contents are the client's and hostile; nothing outside is ever read
    /// through it. unpack_context() makes one from a tar stream.
    std::filesystem::path context;
    std::string dockerfile = "Dockerfile";       ///< relative to the context
    std::optional<std::string> dockerfile_text;  ///< instead of a file in the context
    std::vector<std::string> tags;               ///< "name" or "name:tag"
    /// Absent value: the name alone was given, which leaves the Dockerfile's default.
    std::map<std::string, std::optional<std::string>> build_args;
    std::map<std::string, std::string> labels;
    std::string target;    ///< a stage's name or number; empty: the last
    std::string platform;  ///< empty: the host's
    std::string network;   ///< of RUN, as RunRequest has it
    std::vector<std::string> extra_hosts;
    std::int64_t shm_size = 0;
    std::int64_t memory = 0;
    bool no_cache = false;
    /// For FROM images that are not here, by registry ("docker.io", "localhost:5000").
    std::map<std::string, registry::Credentials> credentials;
    bool quiet = false;  ///< say nothing; built() alone is called
};

/// Hears of a build as it happens, on the building thread. What it throws ends the build.
class Progress {
public:
    virtual ~Progress() = default;
    /// Text of the classic builder, whole lines or parts of them ("Step 1/5 : FROM busybox\n").
    virtual void text(std::string_view text) = 0;
    /// The result: "sha256:…" (the API's `aux` message).
    virtual void built(std::string_view image_id) = 0;
    /// Whether nobody waits for the result any more.
    virtual bool cancelled() = 0;
};

struct BuildResult {
    std::string image_id;  ///< "sha256:…"
};

/// A RUN whose command failed; the API passes the status on as errorDetail.code.
class RunFailed : public Error {
public:
    RunFailed(std::string message, int status)
        : Error(ErrorKind::failed_precondition, std::move(message)), status_(status) {}
    [[nodiscard]] int status() const { return status_; }

private:
    int status_;
};

/// Thread-safe: builds may run side by side.
class Builder {
public:
    struct Parts {
        image::Store& images;
        snapshot::Snapshotter& snapshots;
        Runner& runner;
        std::filesystem::path root;  ///< ROOT: the cache index is ROOT/build.db
        /// Finds a FROM image that is not in the store (a pull); absent: that is an error.
        std::function<void(const std::string& reference, const BuildRequest&, Progress&)> pull = {};
    };
    explicit Builder(Parts parts);
    ~Builder();

    /// Throws Error; the message of a Dockerfile's mistake names file, line and instruction. A
    /// build that fails leaves the finished steps in the cache and nothing else.
    BuildResult build(const BuildRequest& request, Progress& progress);
    /// Forgets every cached step. The images that held them are dangling then, unless tagged.
    void prune();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// Unpacks a client's context (tar, plain or compressed) from `stream` into the empty `directory`.
/// Throws Error{invalid_argument} on names that leave it, device nodes and truncated streams.
void unpack_context(std::unique_ptr<archive::Source> stream,
                    const std::filesystem::path& directory);

}  // namespace brig::build
