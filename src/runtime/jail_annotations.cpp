// See jail_annotations.h.
#include "runtime/jail_annotations.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/strings.h"

namespace brig::runtime {
namespace {

constexpr std::string_view parent_jail = "org.freebsd.parentJail";
constexpr std::string_view prefix = "org.freebsd.jail.";

struct TextField {
    std::string_view name;
    std::string os::Jail::*field;
};
constexpr std::array texts{
    TextField{"vnet", &os::Jail::vnet}, TextField{"sysvmsg", &os::Jail::sysvmsg},
    TextField{"sysvsem", &os::Jail::sysvsem}, TextField{"sysvshm", &os::Jail::sysvshm}};

struct Permission {
    std::string_view name;
    bool os::JailAllow::*field;
};
/// Those that the specification has too and that are off by default; the others are ordinary
/// parameters.
constexpr std::array permissions{Permission{"set_hostname", &os::JailAllow::set_hostname},
                                 Permission{"raw_sockets", &os::JailAllow::raw_sockets},
                                 Permission{"chflags", &os::JailAllow::chflags},
                                 Permission{"quotas", &os::JailAllow::quotas},
                                 Permission{"socket_af", &os::JailAllow::socket_af},
                                 Permission{"mlock", &os::JailAllow::mlock}};

void apply_permission(std::string_view name, const std::string& value, os::Jail& jail) {
    const auto found =
        std::ranges::find_if(permissions, [&](const auto& p) { return p.name == name; });
    if (found == permissions.end() && name != "sysvipc") {
        jail.parameters["allow." + std::string(name)] = value;
        return;
    }
    if (value != "true" && value != "false") {
        throw Error(ErrorKind::invalid_argument, "annotation {}allow.{}: want true or false",
                    prefix, name);
    }
    const bool allowed = value == "true";
    if (name == "sysvipc") {  // the old word for all three
        for (const auto field : {&os::Jail::sysvmsg, &os::Jail::sysvsem, &os::Jail::sysvshm})
            if (allowed) jail.*field = "new";
        return;
    }
    jail.allow.*found->field = allowed;
}

/// Brig gives these itself: they are how it finds the jail again, or have an option of their own.
void check_is_free(std::string_view name) {
    constexpr std::array<std::string_view, 9> own{"name",    "jid",           "path",
                                                  "persist", "host.hostname", "host.domainname",
                                                  "errmsg",  "lastjid",       "dying"};
    const auto odd = [](char c) {
        return !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.');
    };
    if (std::ranges::find(own, name) != own.end()) {
        throw Error(ErrorKind::invalid_argument,
                    "jail parameter {} is set by Brig: use its own option where it has one", name);
    }
    if (name.empty() || std::ranges::any_of(name, odd))
        throw Error(ErrorKind::invalid_argument, "{:?} is not a jail parameter", name);
}

void apply_one(std::string_view name, const std::string& value, os::Jail& jail) {
    constexpr std::string_view allow = "allow.";
    check_is_free(name);
    if (name.starts_with(allow)) return apply_permission(name.substr(allow.size()), value, jail);
    if (name == "ip4.addr" || name == "ip6.addr") {
        (name == "ip4.addr" ? jail.ip4_addr : jail.ip6_addr) = split(value, ',');
        (name == "ip4.addr" ? jail.ip4 : jail.ip6) = "new";
        return;
    }
    const auto found = std::ranges::find_if(texts, [&](const auto& t) { return t.name == name; });
    if (found == texts.end()) {
        jail.parameters[std::string(name)] = value;
        return;
    }
    if (value != "new" && value != "inherit" && value != "disable") {
        throw Error(ErrorKind::invalid_argument,
                    "annotation {}{}: want new, inherit or disable, not {:?}", prefix, name, value);
    }
    jail.*found->field = value;
}

}  // namespace

void apply_jail_annotations(const std::map<std::string, std::string>& annotations,
                            os::JailSettings& settings) {
    for (const auto& [name, value] : annotations) {
        if (name == parent_jail) {
            settings.jail.parent = value;
        } else if (name.starts_with(prefix)) {
            apply_one(std::string_view(name).substr(prefix.size()), value, settings.jail);
        }
    }
}

os::JailSettings jail_without_section() {
    os::JailSettings settings;
    settings.jail.ip4 = settings.jail.ip6 = "inherit";
    settings.jail.allow.raw_sockets = settings.jail.allow.chflags = true;
    return settings;
}

}  // namespace brig::runtime
