// See memory.h. glibc gives every few threads a heap of their own, and none of them ever shrinks
// below its last block in use.
#include "os/memory.h"

#include <malloc.h>

namespace brig::os {

void keep_little_memory() {
    constexpr int large = 128 << 10;
    ::mallopt(M_ARENA_MAX, 1);
    ::mallopt(M_MMAP_THRESHOLD, large);  // set, it no longer grows with what was freed
    ::mallopt(M_TRIM_THRESHOLD, large);
}

void return_free_memory() { ::malloc_trim(0); }

}  // namespace brig::os
