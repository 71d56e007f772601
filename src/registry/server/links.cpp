// See links.h. A name that is not finished has no mark at its end.
#include "registry/server/links.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"

namespace brig::registry::server {
namespace fs = std::filesystem;
namespace {

constexpr char mark = '@';
constexpr std::size_t max_link = 4096;

}  // namespace

fs::path Links::path(const std::string& name) const { return directory_ / (name + mark); }

std::optional<std::string> Links::get(const std::string& name) const {
    try {
        return read_file(path(name), max_link);
    } catch (const Error& e) {
        if (e.kind() == ErrorKind::not_found) return std::nullopt;
        throw;
    }
}

void Links::put(const std::string& name, std::string_view text, Durability durability) const {
    make_directories(directory_);
    write_file_atomic(path(name), text, 0600, durability);
}

bool Links::remove(const std::string& name) const {
    if (::unlink(path(name).c_str()) == 0) return true;
    if (errno != ENOENT) throw SysError("remove {}", path(name).string());
    return false;
}

std::vector<std::string> Links::list() const {
    std::vector<std::string> out;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(directory_, none)) {
        std::string name = entry.path().filename().string();
        if (!name.ends_with(mark)) continue;
        name.pop_back();
        out.push_back(std::move(name));
    }
    std::ranges::sort(out);
    return out;
}

std::optional<std::chrono::seconds> Links::age(const std::string& name) const {
    return age_of(path(name));
}

void Links::touch(const std::string& name) const {
    ::utimensat(AT_FDCWD, path(name).c_str(), nullptr, 0);
}

bool Links::exist() const {
    std::error_code none;
    return fs::is_directory(directory_, none);
}

std::optional<std::chrono::seconds> age_of(const fs::path& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return std::nullopt;
    const auto written = std::chrono::system_clock::from_time_t(info.st_mtime);
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now() -
                                                            written);
}

}  // namespace brig::registry::server
