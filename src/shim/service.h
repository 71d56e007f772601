// The two ttrpc services, containerd.task.v2.Task and brig.shim.v1.Shim, over one supervisor:
// decoding, dispatch, and the callers that wait for an end.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/runtime.h"
#include "shim/rpc_server.h"
#include "shim/supervisor.h"

namespace containerd::task::v2 {
class DeleteRequest;
}

namespace brig::shim {

class Service {
public:
    /// `stop` ends the shim's loop; asked for only while there is no task.
    Service(Supervisor& supervisor, runtime::Runtime& runtime, std::function<void()> stop);

    /// The handler of an RpcServer.
    void handle(std::string_view method, std::string_view payload, Call call);

private:
    struct Waiter {
        std::string id;
        std::string exec_id;
        Call call;
        bool brig;  ///< asked through brig.shim.v1, answered with an Exit
    };
    struct Methods;

    void publish(const TaskExit& exit);
    void wait(Waiter waiter);
    TaskExit remove(const containerd::task::v2::DeleteRequest& request);
    static void answer(Waiter& waiter, const TaskExit& exit);

    Supervisor& supervisor_;
    runtime::Runtime& runtime_;
    std::function<void()> stop_;
    std::vector<Waiter> waiters_;
    std::vector<Call> subscribers_;
};

}  // namespace brig::shim
