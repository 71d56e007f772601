// Failure as exceptions: one class, containerd's kinds, a nested cause. Kinds become HTTP
// statuses at the API's edge and exit codes at the CLI's; nothing in between translates them.
#pragma once

#include <fmt/format.h>

#include <exception>
#include <memory>
#include <string>
#include <string_view>

namespace brig {

enum class ErrorKind {
    not_found,
    already_exists,
    conflict,
    invalid_argument,
    failed_precondition,
    permission_denied,
    unavailable,
    not_implemented,
    cancelled,
    internal,
};

/// "not_found", "already_exists", …: the wire form of a kind (ttrpc, child set-up errors).
std::string_view to_string(ErrorKind kind);
/// The inverse; an unknown name is `internal`.
ErrorKind error_kind_from_string(std::string_view name);

/// A message is lower case, has no full stop, names the object, and says what to do where there
/// is something to do.
class Error : public std::exception {
public:
    Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}

    template <typename... Args>
        requires(sizeof...(Args) > 0)
    Error(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args)
        : Error(kind, fmt::format(format, std::forward<Args>(args)...)) {}

    [[nodiscard]] ErrorKind kind() const { return kind_; }
    [[nodiscard]] const std::string& message() const { return message_; }
    [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

    /// The same failure with what was being done in front: "context: message".
    [[nodiscard]] Error within(std::string_view context) const {
        return {kind_, fmt::format("{}: {}", context, message_)};
    }

private:
    ErrorKind kind_;
    std::string message_;
};

/// A failed system call. Captures errno before anything else runs; the message ends in the
/// system's text for it. The kind follows errno (ENOENT → not_found, EEXIST → already_exists,
/// EACCES/EPERM → permission_denied, EINVAL → invalid_argument, EBUSY → conflict,
/// ENOSYS/EOPNOTSUPP → not_implemented, ENOSPC/EDQUOT → unavailable, else internal).
class SysError : public Error {
public:
    template <typename... Args>
    explicit SysError(fmt::format_string<Args...> format, Args&&... args)
        : SysError(Captured{}, fmt::format(format, std::forward<Args>(args)...)) {}

    /// For calls that return the error number instead of setting errno.
    SysError(int error_number, std::string_view what);

    [[nodiscard]] int error_number() const { return error_number_; }

private:
    struct Captured {
        Captured();
        int error_number;
    };
    SysError(Captured captured, std::string_view what) : SysError(captured.error_number, what) {}
    int error_number_;
};

/// What `error` says, for any exception; used at borders (thread, request, main).
std::string describe(const std::exception_ptr& error);

}  // namespace brig
