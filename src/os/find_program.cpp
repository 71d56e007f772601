// execvp's search with the texts users of docker know, and HOME. See find_program.h.
#include "os/find_program.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>
#include <string_view>

#include "base/error.h"
#include "base/fd.h"
#include "base/strings.h"

namespace brig::os {
namespace {

constexpr std::string_view default_path =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::optional<std::string> variable(const std::vector<std::string>& environment,
                                    std::string_view name) {
    // The last one counts, as for getenv after repeated putenv.
    for (auto it = environment.rbegin(); it != environment.rend(); ++it) {
        if (it->size() > name.size() && it->starts_with(name) && (*it)[name.size()] == '=') {
            return it->substr(name.size() + 1);
        }
    }
    return std::nullopt;
}

bool is_executable_file(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return false;
    if (S_ISDIR(info.st_mode)) {
        errno = EISDIR;
        return false;
    }
    return ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0;
}

std::string locate(const std::string& name, const std::vector<std::string>& environment) {
    if (name.find('/') != std::string::npos) {
        if (is_executable_file(name)) return name;
        switch (errno) {
            case EISDIR:
                throw Error(ErrorKind::permission_denied, "exec: {:?}: is a directory", name);
            case EACCES:
                throw Error(ErrorKind::permission_denied, "exec: {:?}: permission denied", name);
            case ENOTDIR:
                throw Error(ErrorKind::not_found, "exec: {:?}: stat {}: not a directory", name,
                            name);
            default:
                throw Error(ErrorKind::not_found, "exec: {:?}: stat {}: no such file or directory",
                            name, name);
        }
    }
    const std::string path = variable(environment, "PATH").value_or(std::string(default_path));
    for (const std::string& directory : split(path, ':')) {
        const std::string candidate =
            fmt::format("{}/{}", directory.empty() ? "." : directory, name);
        if (!name.empty() && is_executable_file(candidate)) return candidate;
    }
    throw Error(ErrorKind::not_found, "exec: {:?}: executable file not found in $PATH", name);
}

/// From the container's own /etc/passwd, which may be anything (CVE-2024-9676, CVE-2026-47262).
std::string home_of(std::uint32_t uid) {
    constexpr std::size_t limit = 1U << 20U;
    const Fd file(::open("/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    struct stat info {};
    if (!file || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode) ||
        static_cast<std::size_t>(info.st_size) > limit) {
        return "/";
    }
    for (const std::string& line : split(read_to_end(file.get(), limit), '\n')) {
        const auto fields = split(line, ':');
        if (fields.size() < 6 || parse_int<std::uint32_t>(fields[2]) != uid) continue;
        return fields[5].empty() ? "/" : fields[5];
    }
    return "/";
}

/// Programs that read the environment themselves may take the first of two.
void keep_last_of_each(std::vector<std::string>& environment) {
    std::set<std::string_view> seen;
    std::vector<bool> old(environment.size());
    for (std::size_t i = environment.size(); i-- > 0;) {
        const std::string_view variable = environment[i];
        old[i] = !seen.insert(variable.substr(0, variable.find('='))).second;
    }
    if (seen.size() == environment.size()) return;
    std::size_t i = 0;
    std::vector<std::string> kept;
    for (std::string& variable : environment) {
        if (!old[i++]) kept.push_back(std::move(variable));
    }
    environment = std::move(kept);
}

}  // namespace

std::string find_program(const std::string& name, const std::vector<std::string>& environment) {
    return locate(name, environment);
}

void complete_environment(std::vector<std::string>& environment, std::uint32_t uid) {
    keep_last_of_each(environment);
    if (!variable(environment, "HOME").value_or("").empty()) return;
    std::erase_if(environment, [](const std::string& v) { return v.starts_with("HOME="); });
    environment.push_back("HOME=" + home_of(uid));
}

}  // namespace brig::os
