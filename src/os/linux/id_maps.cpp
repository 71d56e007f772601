// See id_maps.h.
#include "os/linux/id_maps.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <sstream>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/strings.h"
#include "os/linux/labels.h"
#include "os/run_program.h"

namespace brig::os {
namespace {

void write_proc(pid_t pid, const char* file, const std::string& text) {
    const Fd fd = open_in_procfs(fmt::format("{}/{}", pid, file), O_WRONLY);
    if (::write(fd.get(), text.data(), text.size()) < 0)
        throw SysError("write {:?} to /proc/{}/{}", text, pid, file);
}

void run_helper(const char* program, pid_t pid, const std::vector<IdMapping>& mappings) {
    std::vector<std::string> words{program, std::to_string(pid)};
    for (const IdMapping& map : mappings) {
        for (const std::uint32_t number : {map.container_id, map.host_id, map.size})
            words.push_back(std::to_string(number));
    }
    try {
        const auto result = run_program({.words = std::move(words), .keep_messages = true});
        if (result.succeeded) return;
        throw Error(ErrorKind::permission_denied,
                    "{} refuses the mappings: {}; see /etc/subuid and /etc/subgid", program,
                    trim(result.messages));
    } catch (const SysError& e) {
        throw e.within("users are mapped without root by programs of the package uidmap");
    }
}

/// The one mapping that everybody may make.
bool only_itself(const std::vector<IdMapping>& mappings, std::uint32_t self) {
    return mappings.size() == 1 && mappings[0].size == 1 && mappings[0].host_id == self;
}

/// The host's number; nothing where it has none.
std::optional<std::uint32_t> on_host(pid_t process, std::uint32_t user) {
    for (const auto& line : split(read_file(fmt::format("/proc/{}/uid_map", process)), '\n')) {
        std::istringstream words(line);
        IdMapping map;
        if (!(words >> map.container_id >> map.host_id >> map.size)) continue;
        if (user >= map.container_id && user - map.container_id < map.size)
            return map.host_id + (user - map.container_id);
    }
    return std::nullopt;
}

}  // namespace

void give_stdio(StdioFds stdio, pid_t process, std::uint32_t user) {
    if (::geteuid() != 0) return;
    const auto owner = on_host(process, user);
    for (const int fd : {stdio.in, stdio.out, stdio.err}) {
        struct stat info {};
        if (!owner || fd < 0 || ::fstat(fd, &info) != 0) continue;
        if (!S_ISFIFO(info.st_mode) || info.st_uid != 0) continue;
        // Refused where the pipe lies on something read-only: then it stays as it is.
        [[maybe_unused]] const int ignored = ::fchown(fd, *owner, static_cast<gid_t>(-1));
    }
}

std::string id_map_text(const std::vector<IdMapping>& mappings) {
    std::string text;
    for (const IdMapping& map : mappings)
        text += fmt::format("{} {} {}\n", map.container_id, map.host_id, map.size);
    return text;
}

void write_id_maps(pid_t pid, const std::vector<IdMapping>& users,
                   const std::vector<IdMapping>& groups) {
    const bool root = ::geteuid() == 0;
    if (!users.empty()) {
        if (root || only_itself(users, ::geteuid())) {
            write_proc(pid, "uid_map", id_map_text(users));
        } else {
            run_helper("newuidmap", pid, users);
        }
    }
    if (groups.empty()) return;
    if (root) return write_proc(pid, "gid_map", id_map_text(groups));
    if (!only_itself(groups, ::getegid())) return run_helper("newgidmap", pid, groups);
    // Dropping a group could give access that membership denies: CVE-2014-8989.
    write_proc(pid, "setgroups", "deny");
    write_proc(pid, "gid_map", id_map_text(groups));
}

}  // namespace brig::os
