// A time in which no thread can be started, as where a control group has all that it may have.
#pragma once

#include <pthread.h>

#include <cstddef>

namespace brig::testing {

/// glibc alone: no machine has a stack of the size that every thread gets.
class NoThreads {
public:
    NoThreads() {
        ::pthread_attr_init(&before_);
        ::pthread_getattr_default_np(&before_);
        pthread_attr_t huge;
        ::pthread_attr_init(&huge);
        ::pthread_attr_setstacksize(&huge, std::size_t{1} << 60U);
        ::pthread_setattr_default_np(&huge);
        ::pthread_attr_destroy(&huge);
    }
    NoThreads(const NoThreads&) = delete;
    NoThreads& operator=(const NoThreads&) = delete;
    ~NoThreads() {
        ::pthread_setattr_default_np(&before_);
        ::pthread_attr_destroy(&before_);
    }

private:
    pthread_attr_t before_{};
};

}  // namespace brig::testing
