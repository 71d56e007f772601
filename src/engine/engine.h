// Containers as users know them. The API's handlers call this class and nothing below it for
// containers; images, volumes and networks are reached through the stores it was made of.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/time.h"
#include "engine/events.h"
#include "engine/parts.h"
#include "engine/types.h"

namespace brig::archive {
class Source;
}

namespace brig::engine {

/// {"label": {"a=b"}, "status": {"exited"}}: the query parameter `filters`, decoded.
using Filters = std::map<std::string, std::vector<std::string>>;
/// Both docker forms: {"k":["v"]} and {"k":{"v":true}}; empty text is no filter. Throws
/// invalid_argument.
Filters parse_filters(std::string_view text);

struct Created {
    std::string id;
    std::vector<std::string> warnings;
};

struct ListQuery {
    bool all = false;
    int limit = 0;  ///< ≤ 0: no limit
    bool size = false;
    Filters filters;
};

enum class WaitCondition { not_running, next_exit, removed };
struct WaitResult {
    int status = 0;
    std::string error;
};

struct AttachQuery {
    bool stream = true;
    bool logs = false;  ///< first everything logged so far
    bool in = false;
    bool out = true;
    bool err = true;
    std::string detach_keys;
};

/// A hijackable stream in docker's form: raw for a terminal, multiplexed otherwise.
struct Attached {
    Fd stream;
    bool tty = false;
};

struct LogQuery {
    bool out = true;
    bool err = true;
    bool follow = false;
    bool timestamps = false;
    std::optional<Instant> since;
    std::optional<Instant> until;
    std::int64_t tail = -1;  ///< -1: all
};

/// Blocks while it writes to `sink` (a descriptor it does not own) and returns at the end of the
/// stream or when the reader has gone. To be run on a thread of its own.
using Streamer = std::function<void(int sink)>;

struct LogStream {
    bool tty = false;  ///< raw, else multiplexed
    Streamer run;
};

struct FileArchive {
    std::string stat;  ///< as archive_stat(), in JSON
    Streamer run;      ///< writes a tar
};

struct ArchivePut {
    bool no_overwrite_dir_non_dir = false;  ///< a file may not take a directory's place
    bool copy_owner = false;                ///< files belong to the container's user
};

struct ExecConfig {
    bool attach_stdin = false;
    bool attach_stdout = false;
    bool attach_stderr = false;
    bool tty = false;
    bool privileged = false;
    std::string user;
    std::string working_dir;
    std::string detach_keys;
    Strings env;
    Strings cmd;
    std::vector<unsigned> console_size;  ///< {height, width} or empty
};
/// The body of POST /containers/ID/exec. Throws invalid_argument.
ExecConfig parse_exec(std::string_view body);

struct ExecStart {
    bool detach = false;
    bool tty = false;
    std::vector<unsigned> console_size;
};

struct EventQuery {
    std::optional<Instant> since;
    std::optional<Instant> until;
    Filters filters;
};

struct CommitRequest {
    std::string container;
    std::string repo;
    std::string tag;
    std::string comment;
    std::string author;
    bool pause = true;
    std::optional<Config> config;
    std::vector<std::string> changes;
};

/// All public functions may be called from any thread and block; they throw Error. `ref` is a
/// container's name, id, or unique id prefix; not_found says `No such container: REF`.
class Engine {
public:
    /// Opens the database, reconciles it with the shim (what ran on, what exited meanwhile, what
    /// was left half done) and applies restart policies.
    explicit Engine(Parts parts);
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // Life of a container.
    Created create(const CreateRequest& request);
    /// False when it runs already (304).
    bool start(const std::string& ref);
    /// False when it does not run (304). Absent arguments: the container's own, SIGTERM and 10 s.
    bool stop(const std::string& ref, std::optional<std::string> signal,
              std::optional<int> timeout);
    /// Ends every container because the system goes down: restart policies hold at the next start.
    void end_all();
    void restart(const std::string& ref, std::optional<std::string> signal,
                 std::optional<int> timeout);
    /// "" is SIGKILL; a name with or without SIG, or a number.
    void kill(const std::string& ref, const std::string& signal);
    void pause(const std::string& ref);
    void unpause(const std::string& ref);
    void remove(const std::string& ref, bool force, bool volumes);
    void rename(const std::string& ref, const std::string& name);
    void resize(const std::string& ref, unsigned width, unsigned height);
    /// Calls `done` once, at once or when the condition comes true, from some other thread; throws
    /// not_found synchronously. `done` must not block or throw.
    void wait(const std::string& ref, WaitCondition condition,
              std::function<void(WaitResult)> done);
    /// POST /containers/ID/update: {"Warnings": []}.
    nlohmann::json update(const std::string& ref, const nlohmann::json& body);
    nlohmann::json prune(const Filters& filters);

    // Looking at containers. JSON is docker's of API 1.51.
    nlohmann::json inspect(const std::string& ref, bool size);
    nlohmann::json list(const ListQuery& query);
    nlohmann::json top(const std::string& ref, const std::string& ps_args);
    LogStream logs(const std::string& ref, const LogQuery& query);
    /// One JSON object when !stream.
    Streamer stats(const std::string& ref, bool stream, bool one_shot);
    /// [{"Path","Kind"}]
    nlohmann::json changes(const std::string& ref);

    // Files of running and stopped containers.
    /// {"name","size","mode","mtime","linkTarget"}
    nlohmann::json archive_stat(const std::string& ref, const std::string& path);
    FileArchive archive_get(const std::string& ref, const std::string& path);
    /// Unpacks the tar that `body` gives, compressed or not, in the directory `path`.
    void archive_put(const std::string& ref, const std::string& path, const ArchivePut& options,
                     std::unique_ptr<archive::Source> body);
    /// The whole root as a tar, without volumes.
    Streamer export_files(const std::string& ref);

    // Streams. The output of a container that is created but not started is not lost.
    Attached attach(const std::string& ref, const AttachQuery& query);
    std::string exec_create(const std::string& ref, const ExecConfig& config);
    /// An empty stream when detached.
    Attached exec_start(const std::string& exec_id, const ExecStart& options);
    void exec_resize(const std::string& exec_id, unsigned width, unsigned height);
    nlohmann::json exec_inspect(const std::string& exec_id);

    // Images, as far as containers matter to them; everything else is in images().
    image::Store& images();
    /// Refuses (conflict) while a container uses it; [{"Untagged": …}, {"Deleted": …}].
    nlohmann::json image_remove(const std::string& ref, bool force, bool no_prune);
    nlohmann::json image_prune(const Filters& filters);
    std::string commit(const CommitRequest& request);
    /// How many containers use each image id: for `docker images` and df.
    std::map<std::string, int> image_users();

    // Volumes and networks.
    nlohmann::json volume_create(const nlohmann::json& body);
    nlohmann::json volume_list(const Filters& filters);
    nlohmann::json volume_inspect(const std::string& name);
    void volume_remove(const std::string& name, bool force);
    nlohmann::json volume_prune(const Filters& filters);
    nlohmann::json network_list(const Filters& filters);
    nlohmann::json network_inspect(const std::string& ref);

    // The whole.
    EventBus& events();
    /// One JSON object per line; ends at `until` or when the reader goes.
    Streamer event_stream(const EventQuery& query);
    nlohmann::json info();
    nlohmann::json version();
    /// Of images, containers, volumes ("image", "container", "volume", "build-cache"; all when
    /// empty).
    nlohmann::json disk_usage(const std::set<std::string>& types);
    /// No container runs: embedded brigd may leave.
    bool idle();

    /// For build: RUN steps. Lives as long as the engine.
    build::Runner& runner();

    struct Impl;  ///< for this layer's own files

private:
    std::unique_ptr<Impl> impl_;
};

}  // namespace brig::engine
