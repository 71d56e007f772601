// See cgroup_files.h.
#include "os/linux/cgroup_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "base/error.h"
#include "base/fd.h"
#include "base/strings.h"

namespace brig::os {
namespace {

template <typename Action>
void for_each_subgroup(const std::string& directory, Action action) {
    const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(directory.c_str()), ::closedir);
    if (!listing) return;
    while (const dirent* entry = ::readdir(listing.get())) {
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
            action(directory + "/" + entry->d_name);
    }
}

}  // namespace

bool try_write_control(const std::string& directory, std::string_view file,
                       std::string_view value) {
    const std::string path = fmt::format("{}/{}", directory, file);
    const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd && (errno == ENOENT || errno == EACCES)) return false;
    if (!fd || ::write(fd.get(), value.data(), value.size()) < 0)
        throw SysError("write {:?} to {}", value, path);
    return true;
}

void write_control(const std::string& directory, std::string_view file, std::string_view value) {
    if (try_write_control(directory, file, value)) return;
    throw Error(ErrorKind::failed_precondition,
                "cannot set {} to {:?}: this kernel or host has no such control in {}", file, value,
                directory);
}

std::string read_control(const std::string& directory, std::string_view file) {
    const Fd fd(::open(fmt::format("{}/{}", directory, file).c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return {};
    try {
        return read_to_end(fd.get(), 16U << 20U);
    } catch (const SysError& e) {
        if (e.error_number() == ENODEV) return {};  // removed meanwhile
        throw;
    }
}

std::optional<std::uint64_t> read_number(const std::string& directory, std::string_view file) {
    return parse_int<std::uint64_t>(trim(read_control(directory, file)));
}

std::map<std::string, std::uint64_t> read_table(const std::string& directory,
                                                std::string_view file) {
    std::map<std::string, std::uint64_t> out;
    for (const std::string& line : split(read_control(directory, file), '\n')) {
        const auto [key, value] = split_once(line, ' ');
        if (const auto number = parse_int<std::uint64_t>(value.value_or(""))) out[key] = *number;
    }
    return out;
}

std::vector<pid_t> group_processes(const std::string& directory) {
    std::vector<pid_t> out;
    for (const std::string& line : split(read_control(directory, "cgroup.procs"), '\n')) {
        if (const auto pid = parse_int<pid_t>(line); pid && *pid > 0) out.push_back(*pid);
    }
    for_each_subgroup(directory, [&](const std::string& child) {
        const auto below = group_processes(child);
        out.insert(out.end(), below.begin(), below.end());
    });
    return out;
}

bool remove_group(const std::string& directory) {
    if (::rmdir(directory.c_str()) == 0 || errno == ENOENT) return true;
    if (errno != EBUSY && errno != ENOTEMPTY) throw SysError("remove {}", directory);
    for_each_subgroup(directory, [](const std::string& child) { remove_group(child); });
    return ::rmdir(directory.c_str()) == 0 || errno == ENOENT;
}

}  // namespace brig::os
