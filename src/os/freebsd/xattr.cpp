// extattr(2): the user namespace only; Linux's security.* and trusted.* have no meaning here. ACLs
// are no attributes here (acl(3)).
#include "os/xattr.h"

#include <fcntl.h>
#include <sys/extattr.h>
#include <sys/types.h>

#include <cerrno>
#include <string_view>

#include "base/error.h"
#include "base/fd.h"
#include "os/freebsd/acl.h"
#include "os/posix_acl.h"

namespace brig::os {
namespace {

constexpr std::string_view user_prefix = "user.";

/// Links and special files cannot be opened for their attributes; they are treated as having none.
Fd open_node(int directory, const std::string& name) {
    return Fd(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
}

std::optional<std::string> read_value(int fd, const std::string& attribute) {
    const ssize_t size =
        ::extattr_get_fd(fd, EXTATTR_NAMESPACE_USER, attribute.c_str(), nullptr, 0);
    if (size < 0) return std::nullopt;
    std::string value(static_cast<std::size_t>(size), '\0');
    const ssize_t n =
        ::extattr_get_fd(fd, EXTATTR_NAMESPACE_USER, attribute.c_str(), value.data(), value.size());
    if (n < 0) return std::nullopt;
    value.resize(static_cast<std::size_t>(n));
    return value;
}

}  // namespace

bool set_xattr(int directory, const std::string& name, const std::string& attribute,
               const std::string& value) {
    const auto acl = acl_type(attribute);
    if (!acl && !attribute.starts_with(user_prefix)) return false;
    const Fd node = open_node(directory, name);
    if (!node) return false;
    if (acl) return set_acl(node.get(), *acl, value, name);
    const std::string own = attribute.substr(user_prefix.size());
    if (::extattr_set_fd(node.get(), EXTATTR_NAMESPACE_USER, own.c_str(), value.data(),
                         value.size()) >= 0) {
        return true;
    }
    if (errno == EOPNOTSUPP || errno == EPERM) return false;
    throw SysError("set attribute {} of {}", attribute, name);
}

void remove_xattr(int directory, const std::string& name, const std::string& attribute) {
    const auto acl = acl_type(attribute);
    if (!acl && !attribute.starts_with(user_prefix)) return;
    const Fd node = open_node(directory, name);
    if (!node) return;
    if (acl) return remove_acl(node.get(), *acl, name);
    const std::string own = attribute.substr(user_prefix.size());
    if (::extattr_delete_fd(node.get(), EXTATTR_NAMESPACE_USER, own.c_str()) != 0 &&
        errno != ENOATTR && errno != EOPNOTSUPP && errno != EPERM)
        throw SysError("remove attribute {} of {}", attribute, name);
}

std::optional<std::string> get_xattr(int directory, const std::string& name,
                                     const std::string& attribute) {
    const auto acl = acl_type(attribute);
    if (!acl && !attribute.starts_with(user_prefix)) return std::nullopt;
    const Fd node = open_node(directory, name);
    if (!node) return std::nullopt;
    if (acl) return get_acl(node.get(), *acl);
    return read_value(node.get(), attribute.substr(user_prefix.size()));
}

std::vector<std::pair<std::string, std::string>> list_xattrs(int directory,
                                                             const std::string& name) {
    const Fd node = open_node(directory, name);
    if (!node) return {};
    std::vector<std::pair<std::string, std::string>> out;
    for (const char* attribute : {access_acl, default_acl}) {
        if (auto value = get_acl(node.get(), *acl_type(attribute)))
            out.emplace_back(attribute, std::move(*value));
    }
    const ssize_t size = ::extattr_list_fd(node.get(), EXTATTR_NAMESPACE_USER, nullptr, 0);
    if (size <= 0) return out;
    std::string names(static_cast<std::size_t>(size), '\0');
    const ssize_t n =
        ::extattr_list_fd(node.get(), EXTATTR_NAMESPACE_USER, names.data(), names.size());
    if (n < 0) return out;
    // Each name is preceded by its length in one byte.
    for (std::size_t at = 0; at < static_cast<std::size_t>(n);) {
        const auto length = static_cast<unsigned char>(names[at]);
        const std::string attribute = names.substr(at + 1, length);
        at += std::size_t{1} + length;
        if (auto value = read_value(node.get(), attribute)) {
            out.emplace_back(std::string(user_prefix) + attribute, std::move(*value));
        }
    }
    return out;
}

}  // namespace brig::os
