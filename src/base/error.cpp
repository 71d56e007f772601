// Kinds by name and by errno.
#include "base/error.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace brig {
namespace {

constexpr std::array kind_names{
    std::pair{ErrorKind::not_found, std::string_view{"not_found"}},
    std::pair{ErrorKind::already_exists, std::string_view{"already_exists"}},
    std::pair{ErrorKind::conflict, std::string_view{"conflict"}},
    std::pair{ErrorKind::invalid_argument, std::string_view{"invalid_argument"}},
    std::pair{ErrorKind::failed_precondition, std::string_view{"failed_precondition"}},
    std::pair{ErrorKind::permission_denied, std::string_view{"permission_denied"}},
    std::pair{ErrorKind::unavailable, std::string_view{"unavailable"}},
    std::pair{ErrorKind::not_implemented, std::string_view{"not_implemented"}},
    std::pair{ErrorKind::cancelled, std::string_view{"cancelled"}},
    std::pair{ErrorKind::internal, std::string_view{"internal"}},
};

ErrorKind kind_of_errno(int error_number) {
    switch (error_number) {
        case ENOENT:
        case ESRCH: return ErrorKind::not_found;
        case EEXIST: return ErrorKind::already_exists;
        case EACCES:
        case EPERM: return ErrorKind::permission_denied;
        case EINVAL: return ErrorKind::invalid_argument;
        case EBUSY: return ErrorKind::conflict;
        case ENOSYS:
        case EOPNOTSUPP: return ErrorKind::not_implemented;
        case ENOSPC:
        case EDQUOT: return ErrorKind::unavailable;
        default: return ErrorKind::internal;
    }
}

}  // namespace

std::string_view to_string(ErrorKind kind) {
    for (const auto& [value, name] : kind_names) {
        if (value == kind) return name;
    }
    return "internal";
}

ErrorKind error_kind_from_string(std::string_view name) {
    for (const auto& [value, text] : kind_names) {
        if (text == name) return value;
    }
    return ErrorKind::internal;
}

SysError::Captured::Captured() : error_number(errno) {}

namespace {

/// As Go writes them: clients look for these words in lower case.
std::string reason(int error_number) {
    std::string text = std::generic_category().message(error_number);
    const auto is_upper = [](unsigned char c) { return c >= 'A' && c <= 'Z'; };
    if (text.size() > 1 && is_upper(text[0]) && !is_upper(text[1]))
        text[0] = static_cast<char>(text[0] - 'A' + 'a');
    return text;
}

}  // namespace

SysError::SysError(int error_number, std::string_view what)
    : Error(kind_of_errno(error_number), fmt::format("{}: {}", what, reason(error_number))),
      error_number_(error_number) {}

std::string describe(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        return e.what();
    } catch (...) {
        return "unknown failure";
    }
}

}  // namespace brig
