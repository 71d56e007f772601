// The thread that reads the shim's events for a client, and connects again whenever it must.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "shim/channel.h"
#include "shim/client.h"

namespace brig::shim {

class EventStream {
public:
    using Connect = std::function<Channel()>;
    EventStream(Connect connect, Callbacks callbacks);
    ~EventStream();
    EventStream(const EventStream&) = delete;
    EventStream& operator=(const EventStream&) = delete;

    /// While resting, a broken connection is not made anew (nor a shim started for it).
    void rest(bool resting);

private:
    void run();
    void read_events(Channel& channel);
    /// Publishes the socket so that the destructor can wake the reader; false when stopping.
    bool adopt(int socket);
    /// False when stopping.
    bool pause_before_retry(bool failed);

    Connect connect_;
    Callbacks callbacks_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool stopping_ = false;
    bool resting_ = false;
    int socket_ = -1;  ///< the reader's, while it reads
    std::thread thread_;
};

}  // namespace brig::shim
