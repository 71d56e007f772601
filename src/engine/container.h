// One container in memory, and the form in which the database keeps it.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/types.h"

namespace brig::engine {

/// What is kept across restarts of the engine.
struct Record {
    std::string id;        ///< 64 hex digits
    std::string name;      ///< without slash
    std::string image_id;  ///< "sha256:…"
    std::string os;        ///< of the image: "linux", "freebsd"
    Instant created{};
    Config config;  ///< the image's and the request's, merged
    HostConfig host;
    NetworkingConfig networking;
    std::vector<MountPoint> mounts;
    State state;
    int restart_count = 0;
    bool stopped_by_user = false;  ///< `unless-stopped` then stays down
    bool populated = false;        ///< volumes are filled; happens before the first start only

    /// The command line: entrypoint, then cmd.
    [[nodiscard]] Strings command_line() const;
    /// "bridge", "none", "host", "container:ID"
    [[nodiscard]] std::string network() const;
};

std::string to_document(const Record& record);
/// Throws invalid_argument on a damaged document.
Record record_from_document(const std::string& document);

struct Waiter {
    WaitCondition condition;
    std::function<void(WaitResult)> done;
};

/// Two locks: `operation` is held through a whole start, exit or removal, `mutex` for the moment of
/// reading or changing fields. `mutex` is taken inside `operation`, never the other way round, and
/// nothing blocks under it.
struct Container {
    explicit Container(Record from) : id(from.id), created(from.created), record(std::move(from)) {}

    const std::string id;
    const Instant created;

    std::mutex operation;

    mutable std::mutex mutex;
    std::condition_variable changed;  ///< with `mutex`: the state is another
    Record record;
    std::vector<Waiter> waiters;
    std::vector<std::string> execs;
    /// Consecutive quick failures, for the restart policy's growing pause.
    int quick_exits = 0;
    /// Counts runs, so that a health check of an earlier one finds that it is over.
    std::uint64_t run = 0;
    bool removed = false;         ///< out of the table; whoever still holds it must leave it alone
    bool keep = false;            ///< a restart is under way: `--rm` does not apply to this exit
    bool stop_requested = false;  ///< the coming exit is the user's doing: no restart policy

    /// A copy for looking at without the lock.
    [[nodiscard]] Record snapshot() const {
        const std::lock_guard lock(mutex);
        return record;
    }
    [[nodiscard]] State state() const {
        const std::lock_guard lock(mutex);
        return record.state;
    }
    [[nodiscard]] std::string name() const {
        const std::lock_guard lock(mutex);
        return record.name;
    }
};

using ContainerPtr = std::shared_ptr<Container>;

}  // namespace brig::engine
