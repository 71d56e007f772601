// See memory.h. jemalloc returns by itself what has been free for a while.
#include "os/memory.h"

namespace brig::os {

void keep_little_memory() {}
void return_free_memory() {}

}  // namespace brig::os
