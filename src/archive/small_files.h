// Small files are made beside the reading of the archive, on threads of their own: making one takes
// the kernel much longer than it takes to read what it is to be.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "archive/path_cursor.h"
#include "archive/tree_writer.h"

namespace brig::archive {

/// All functions are called by one thread.
class SmallFiles {
public:
    static constexpr std::size_t largest = 16 * 1024;

    SmallFiles() = default;
    SmallFiles(const SmallFiles&) = delete;
    SmallFiles& operator=(const SmallFiles&) = delete;
    /// What is not made yet never is.
    ~SmallFiles();

    /// Makes this file now or later, at a place where nothing is. Throws LateError of files
    /// added before.
    void add(Place at, const Entry& entry, std::vector<std::byte> bytes);
    /// Whether `path` (a Place's) may be waiting.
    [[nodiscard]] bool holds(const std::string& path) const {
        return waiting_.contains(std::hash<std::string>{}(path));
    }
    /// All are made when this returns; false when there were none since the last time. Throws as
    /// add() does.
    bool settle();

private:
    struct File {
        Place at;
        Entry entry;
        std::vector<std::byte> bytes;
    };
    using Lock = std::unique_lock<std::mutex>;

    void start_threads();
    void run(const std::stop_token& stop);
    void make_some(Lock& lock);
    static void make(const File& file);
    void rethrow();

    std::unordered_set<std::size_t> waiting_;  ///< hashes of paths; some of these may be made
    std::mutex mutex_;
    std::condition_variable_any due_;
    std::condition_variable made_;
    std::deque<File> queue_;
    std::size_t running_ = 0;  ///< threads that are making files
    std::exception_ptr failure_;
    std::vector<std::jthread> threads_;
};

}  // namespace brig::archive
