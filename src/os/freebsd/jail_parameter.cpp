// Any parameter of jail(8) by its name: the kernel describes them beneath security.jail.param, as
// libjail reads them.
#include <sys/param.h>
#include <sys/sysctl.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/strings.h"
#include "os/freebsd/jail.h"

namespace brig::os {
namespace {

/// A control's type and format as the kernel tells them, such as CTLTYPE_INT and "E,jailsys".
struct Description {
    unsigned type = 0;
    std::string format;
};

std::optional<Description> describe(const std::string& parameter) {
    std::array<int, CTL_MAXNAME + 2> number{CTL_SYSCTL, CTL_SYSCTL_OIDFMT};
    std::size_t parts = CTL_MAXNAME;
    const auto control = "security.jail.param." + parameter;
    if (::sysctlnametomib(control.c_str(), number.data() + 2, &parts) != 0) {
        if (errno == ENOENT) return std::nullopt;
        throw SysError("look up jail parameter {}", parameter);
    }
    std::array<char, 256> answer{};
    std::size_t size = answer.size() - 1;
    if (::sysctl(number.data(), static_cast<unsigned>(parts) + 2, answer.data(), &size, nullptr,
                 0) != 0)
        throw SysError("look up jail parameter {}", parameter);
    unsigned kind = 0;
    std::memcpy(&kind, answer.data(), sizeof kind);
    const Description found{kind & CTLTYPE, answer.data() + sizeof kind};
    // "ip4" is a node for "ip4.addr" and a parameter, which the kernel then calls "ip4.".
    if (found.type == CTLTYPE_NODE && !parameter.ends_with('.')) return describe(parameter + ".");
    return found;
}

[[noreturn]] void refuse_value(const std::string& name, const std::string& value,
                               std::string_view wanted) {
    throw Error(ErrorKind::invalid_argument, "jail parameter {}: want {}, not {:?}", name, wanted,
                value);
}

/// "allow.mlock" → "allow.nomlock"
std::string negated(const std::string& name) {
    const auto dot = name.rfind('.');
    const auto at = dot == std::string::npos ? 0 : dot + 1;
    return name.substr(0, at) + "no" + name.substr(at);
}

}  // namespace

bool has_parameter(const std::string& name) { return describe(name).has_value(); }

void add_parameter(KernelParameters& parameters, const std::string& name,
                   const std::string& value) {
    // "meta.KEY" and "env.KEY" are one line each of what the kernel describes (FreeBSD 15).
    const auto [head, key] = split_once(name, '.');
    const bool is_line = key && (head == "meta" || head == "env");
    const auto description = describe(is_line ? head : name);
    if (!description) {
        throw Error(ErrorKind::invalid_argument,
                    "jail parameter {} is not known to this kernel; some come with a module only",
                    name);
    }
    const auto& [type, format] = *description;
    if (format == "E,jailsys") {
        add_jailsys(parameters, name, value);
    } else if (format == "B") {
        const auto wanted = parse_bool(value);
        if (!wanted) refuse_value(name, value, "true or false");
        parameters.flag(*wanted ? name : negated(name));
    } else if (type == CTLTYPE_INT) {
        const auto number = parse_int<int>(value);
        if (!number) refuse_value(name, value, "a number");
        parameters.number(name, *number);
    } else if (type == CTLTYPE_STRING) {
        parameters.text(name, value);
    } else {
        throw Error(ErrorKind::not_implemented, "jail parameter {} cannot be given as text", name);
    }
}

}  // namespace brig::os
