// See zfs.h.
#include "os/zfs.h"

#include <unistd.h>

#include <utility>

#include "base/error.h"
#include "base/strings.h"
#include "os/run_program.h"

namespace brig::os {
namespace {

std::string program() {
    for (const char* path : {"/sbin/zfs", "/usr/sbin/zfs", "/usr/local/sbin/zfs"}) {
        if (::access(path, X_OK) == 0) return path;
    }
    throw Error(ErrorKind::not_implemented, "the zfs program is not installed here");
}

}  // namespace

std::string run_zfs(const std::vector<std::string>& arguments) {
    ProgramCall call{
        .words = {program()},
        .environment = {{"PATH=/sbin:/usr/sbin:/usr/local/sbin:/bin:/usr/bin", "LC_ALL=C"}},
        .keep_messages = true};
    call.words.insert(call.words.end(), arguments.begin(), arguments.end());
    auto result = run_program(call);
    if (!result.succeeded) {
        const auto said = join(split(trim(result.messages), '\n'), " ");  // one line, as errors are
        throw Error(ErrorKind::internal, "zfs {}: {}", join(arguments, " "), said);
    }
    return std::move(result.output);
}

std::string zfs_dataset_of(const std::string& path) {
    try {
        return std::string(trim(run_zfs({"list", "-H", "-o", "name", path})));
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::not_implemented) throw;
        throw Error(
            ErrorKind::failed_precondition,
            "{} is not on ZFS ({}); make a dataset for it, or choose another storage driver", path,
            error.message());
    }
}

}  // namespace brig::os
