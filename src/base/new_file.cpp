// See new_file.h.
#include "base/new_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "base/error.h"

namespace brig {

NewFile::NewFile(std::string path)
    : path_(std::move(path)),
      temporary_(path_ + ".XXXXXX"),
      file_(::mkostemp(temporary_.data(), O_CLOEXEC)) {
    if (!file_) throw SysError("create {}", temporary_);
}

NewFile::~NewFile() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void NewFile::commit() {
    if (::rename(temporary_.c_str(), path_.c_str()) != 0)
        throw SysError("rename {} to {}", temporary_, path_);
    temporary_.clear();
}

}  // namespace brig
