// The l*xattr calls through /proc/self/fd/N/name: there are no *at forms before Linux 6.13.
#include "os/xattr.h"

#include <fmt/format.h>
#include <sys/xattr.h>

#include <cerrno>

#include "base/error.h"

namespace brig::os {
namespace {

std::string through_proc(int directory, const std::string& name) {
    return fmt::format("/proc/self/fd/{}/{}", directory, name);
}

bool is_unsupported(int error) { return error == ENOTSUP || error == EPERM || error == EACCES; }

std::optional<std::string> read_value(const std::string& path, const std::string& attribute) {
    std::string value(256, '\0');
    for (;;) {
        const ssize_t n = ::lgetxattr(path.c_str(), attribute.c_str(), value.data(), value.size());
        if (n >= 0) {
            value.resize(static_cast<std::size_t>(n));
            return value;
        }
        if (errno == ENODATA || is_unsupported(errno)) return std::nullopt;
        if (errno != ERANGE) throw SysError("read attribute {} of {}", attribute, path);
        value.resize(value.size() * 4);
    }
}

}  // namespace

bool set_xattr(int directory, const std::string& name, const std::string& attribute,
               const std::string& value) {
    const std::string path = through_proc(directory, name);
    if (::lsetxattr(path.c_str(), attribute.c_str(), value.data(), value.size(), 0) == 0)
        return true;
    if (is_unsupported(errno)) return false;
    throw SysError("set attribute {} of {}", attribute, name);
}

void remove_xattr(int directory, const std::string& name, const std::string& attribute) {
    const std::string path = through_proc(directory, name);
    if (::lremovexattr(path.c_str(), attribute.c_str()) != 0 && errno != ENODATA &&
        !is_unsupported(errno))
        throw SysError("remove attribute {} of {}", attribute, name);
}

std::optional<std::string> get_xattr(int directory, const std::string& name,
                                     const std::string& attribute) {
    return read_value(through_proc(directory, name), attribute);
}

std::vector<std::pair<std::string, std::string>> list_xattrs(int directory,
                                                             const std::string& name) {
    const std::string path = through_proc(directory, name);
    std::string names(1024, '\0');
    ssize_t n = ::llistxattr(path.c_str(), names.data(), names.size());
    while (n < 0 && errno == ERANGE) {
        names.resize(names.size() * 4);
        n = ::llistxattr(path.c_str(), names.data(), names.size());
    }
    if (n < 0) {
        if (is_unsupported(errno)) return {};
        throw SysError("list attributes of {}", name);
    }
    std::vector<std::pair<std::string, std::string>> out;
    for (const char* at = names.data(); at < names.data() + n;) {
        std::string attribute(at);
        at += attribute.size() + 1;
        if (auto value = read_value(path, attribute))
            out.emplace_back(std::move(attribute), std::move(*value));
    }
    return out;
}

}  // namespace brig::os
