// See small_files.h.
#include "archive/small_files.h"

#include <algorithm>
#include <iterator>
#include <system_error>
#include <utility>

#include "archive/file_entry.h"
#include "base/error.h"

namespace brig::archive {
namespace {

constexpr std::size_t batch = 16;           // taken at a time, so that nobody is woken for one file
constexpr std::size_t most_queued = 256;    // with `largest`, what a layer takes of memory: 4 MB
constexpr std::size_t most_waiting = 8192;  // bounds the set of hashes
constexpr unsigned most_threads = 3;

}  // namespace

SmallFiles::~SmallFiles() {
    const std::scoped_lock lock(mutex_);
    queue_.clear();
    for (auto& thread : threads_) thread.request_stop();
}

void SmallFiles::add(Place at, const Entry& entry, std::vector<std::byte> bytes) {
    if (waiting_.size() >= most_waiting) settle();
    waiting_.insert(std::hash<std::string>{}(at.path));
    Lock lock(mutex_);
    rethrow();
    queue_.push_back({std::move(at), entry, std::move(bytes)});
    if (queue_.size() < 2 * batch) return;
    if (threads_.empty()) start_threads();
    due_.notify_one();
    if (queue_.size() >= most_queued) make_some(lock);
}

bool SmallFiles::settle() {
    if (waiting_.empty()) return false;
    waiting_.clear();
    Lock lock(mutex_);
    while (!queue_.empty()) make_some(lock);
    made_.wait(lock, [this] { return running_ == 0; });
    rethrow();
    return true;
}

void SmallFiles::start_threads() {
    const auto others = std::max(std::thread::hardware_concurrency(), 2U) - 1;
    try {
        for (unsigned i = 0; i < std::min(others, most_threads); ++i)
            threads_.emplace_back([this](const std::stop_token& stop) { run(stop); });
    } catch (const std::system_error&) {
        // What nobody else makes, the reader does, when the queue is full or has to be empty.
    }
}

void SmallFiles::run(const std::stop_token& stop) {
    Lock lock(mutex_);
    while (due_.wait(lock, stop, [this] { return queue_.size() >= batch; })) make_some(lock);
}

/// Without the lock meanwhile.
void SmallFiles::make_some(Lock& lock) {
    const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(std::min(batch, queue_.size()));
    std::vector<File> files(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
    queue_.erase(queue_.begin(), end);
    ++running_;
    lock.unlock();
    std::exception_ptr failure;
    try {
        for (const auto& file : files) make(file);
    } catch (...) {
        failure = std::current_exception();
    }
    lock.lock();
    if (failure) {
        if (!failure_) failure_ = failure;
        queue_.clear();
    }
    if (--running_ == 0) made_.notify_all();
}

void SmallFiles::make(const File& file) {
    const auto body =
        from_memory({reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()});
    try {
        if (!make_file(file.at, file.entry, body.get()))
            throw SysError(EEXIST, "create " + file.at.path);
    } catch (const Error& e) {
        throw LateError(e.within(file.entry.path));
    }
}

void SmallFiles::rethrow() {
    if (failure_) std::rethrow_exception(failure_);
}

}  // namespace brig::archive
