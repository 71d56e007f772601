// What is done to a container that is there: pausing, limits, counters.
#include "base/error.h"
#include "runtime/impl.h"

namespace brig::runtime {
namespace {

Record load_record(const Entry& entry, const std::string& id) {
    auto record = entry.load();
    if (!record || record->limits.empty()) {
        throw Error(ErrorKind::failed_precondition, "container {:?} was never created completely",
                    id);
    }
    return std::move(*record);
}

Record load_running(const Entry& entry, const std::string& id) {
    auto record = entry.load();
    const Status status = record ? status_of(entry, *record) : Status::creating;
    if (status != Status::running) {
        throw Error(ErrorKind::failed_precondition, "container {:?} is not running: it is {}", id,
                    to_string(status));
    }
    return std::move(*record);
}

}  // namespace

std::vector<pid_t> Runtime::processes(const std::string& id) {
    const Entry entry = impl_->store.get(id);
    const Record record = load_record(entry, id);
    const os::Limits limits = os::Limits::open(record.limits);
    if (limits.exists()) return limits.processes();
    return status_of(entry, record) == Status::stopped ? std::vector<pid_t>{}
                                                       : std::vector{record.sandbox.pid};
}

void Runtime::pause(const std::string& id) {
    const Entry entry = impl_->store.get(id);
    os::Limits::open(load_running(entry, id).limits).freeze();
}

void Runtime::resume(const std::string& id) {
    const Entry entry = impl_->store.get(id);
    const Record record = load_record(entry, id);
    if (status_of(entry, record) != Status::paused) {
        throw Error(ErrorKind::failed_precondition, "container {:?} is not paused", id);
    }
    os::Limits::open(record.limits).thaw();
}

void Runtime::update(const std::string& id, const oci::Resources& resources) {
    const Entry entry = impl_->store.get(id);
    Record record = load_record(entry, id);
    os::Limits limits = os::Limits::open(record.limits);
    limits.update(resources);
    if (limits.handle() == record.limits) return;
    record.limits = limits.handle();
    entry.save(record);
}

Stats Runtime::stats(const std::string& id) {
    const Entry entry = impl_->store.get(id);
    return os::Limits::open(load_record(entry, id).limits).usage();
}

bool Runtime::oom_killed(const std::string& id) {
    const Entry entry = impl_->store.get(id);
    return os::Limits::open(load_record(entry, id).limits).oom_kills() > 0;
}

}  // namespace brig::runtime
