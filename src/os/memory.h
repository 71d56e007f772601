// How much memory the C library's allocator keeps for itself. It is made for programs that use all
// they can get; ours wait most of the time beside programs that want the memory.
#pragma once

namespace brig::os {

/// At the start of a program: one heap for all threads, and large blocks given back when freed.
void keep_little_memory();
/// Returns what is free inside the heap. Takes some milliseconds: for when there is nothing to do.
void return_free_memory();

}  // namespace brig::os
