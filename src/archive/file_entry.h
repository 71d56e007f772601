// A regular file of an archive put on disk.
#pragma once

#include "archive/path_cursor.h"
#include "archive/stream.h"
#include "archive/tree_writer.h"

namespace brig::archive {

/// Makes a new file at `at` with the entry's bytes (null: none), owner, mode, attributes and times;
/// long runs of zeros become holes. False when the name is taken. Throws SysError naming the path.
bool make_file(const Place& at, const Entry& entry, Source* body);

/// Fills a file, which is new, from where it is.
void write_body(int file, Source& body);

}  // namespace brig::archive
