// A file that appears under its name when it is whole, or not at all.
#pragma once

#include <string>

#include "base/fd.h"

namespace brig {

/// Written under a temporary name beside its own, which commit() gives it in place of whatever has
/// it. Removed otherwise.
class NewFile {
public:
    /// Mode 0600. Throws SysError.
    explicit NewFile(std::string path);
    ~NewFile();
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;

    [[nodiscard]] int fd() const { return file_.get(); }
    [[nodiscard]] const std::string& temporary() const { return temporary_; }
    void commit();

private:
    std::string path_;
    std::string temporary_;  ///< empty once committed
    Fd file_;
};

}  // namespace brig
