// See jail.h. Parameters: jail(8), kern_jail.c.
#include "os/freebsd/jail.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/param.h>
#include <sys/jail.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/fd.h"

namespace brig::os {
namespace {

template <typename Address>
void add_addresses(KernelParameters& parameters, const char* name, int family,
                   const std::vector<std::string>& addresses) {
    if (addresses.empty()) return;
    std::vector<Address> packed;
    for (const auto& text : addresses) {
        Address address{};
        const auto bare = text.substr(0, text.find('/'));
        if (::inet_pton(family, bare.c_str(), &address) != 1) {
            throw Error(ErrorKind::invalid_argument, "jail parameter {}: {:?} is not an address",
                        name, text);
        }
        packed.push_back(address);
    }
    parameters.bytes(name, packed.data(), packed.size() * sizeof(Address));
}

/// "allow.x" or "allow.nox".
void add_allow(KernelParameters& parameters, const std::string& name, bool allowed) {
    parameters.flag((allowed ? "allow." : "allow.no") + name);
}

void add_permissions(KernelParameters& parameters, const JailAllow& allow) {
    add_allow(parameters, "set_hostname", allow.set_hostname);
    add_allow(parameters, "raw_sockets", allow.raw_sockets);
    add_allow(parameters, "chflags", allow.chflags);
    add_allow(parameters, "quotas", allow.quotas);
    add_allow(parameters, "socket_af", allow.socket_af);
    add_allow(parameters, "mlock", allow.mlock);
    // On by default in the kernel, as in every container: ports below 1024, a working root user.
    if (allow.reserved_ports) add_allow(parameters, "reserved_ports", true);
    if (allow.suser) add_allow(parameters, "suser", true);
    add_allow(parameters, "mount", !allow.mount.empty());
    for (const auto& file_system : allow.mount) add_allow(parameters, "mount." + file_system, true);
}

// FreeBSD 15's, which the headers that we are built with need not know.
constexpr int get_descriptor = 0x40;       // JAIL_GET_DESC
constexpr int remove_by_descriptor = 598;  // SYS_jail_remove_jd

/// Who removes by a descriptor cannot hit another jail that has been given the number meanwhile.
/// Nothing where the kernel has no descriptors, or no such jail. Not to be entered by: 15.1's
/// jail_attach_jd(2) leaks a reference, with which the jail stays dying for ever.
Fd descriptor_of(const std::string& name) {
    KernelParameters parameters;
    auto& vector = parameters.text("name", name).number("desc", -1).finish();
    const auto count = static_cast<unsigned>(vector.size());
    if (::jail_get(vector.data(), count, get_descriptor) < 0) return {};
    Fd descriptor(*static_cast<const int*>(vector.at(3).iov_base));
    ::fcntl(descriptor.get(), F_SETFD, FD_CLOEXEC);
    return descriptor;
}

/// A unique one: with the all-zero default, programs take all jails for the same machine.
std::string host_uuid(const std::string& id) {
    std::string hex;
    for (const char c : id) {
        if (std::isxdigit(static_cast<unsigned char>(c)) != 0) hex += c;
    }
    hex.resize(32, '0');
    return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                       hex.substr(16, 4), hex.substr(20));
}

}  // namespace

/// The kernel's jailsys values.
void add_jailsys(KernelParameters& parameters, const std::string& name, const std::string& value) {
    if (value.empty()) return;
    constexpr std::array<std::string_view, 3> words{"disable", "new", "inherit"};
    const auto* found = std::find(words.begin(), words.end(), value);
    if (found == words.end()) {
        throw Error(ErrorKind::invalid_argument,
                    "jail parameter {}: want disable, new or inherit, not {:?}", name, value);
    }
    parameters.number(name, static_cast<int>(found - words.begin()));
}

std::string jail_name(const std::string& id, const std::string& parent) {
    std::string name = id;
    std::replace(name.begin(), name.end(), '.', '%');
    const bool number =
        std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
    if (number) name = "brig-" + name;
    return parent.empty() ? name : parent + "." + name;
}

char* KernelParameters::keep(const void* data, std::size_t size) {
    storage_.emplace_back(static_cast<const char*>(data), size);
    return storage_.back().data();
}

KernelParameters& KernelParameters::bytes(std::string_view name, const void* data,
                                          std::size_t size) {
    const std::string key{name};
    vector_.push_back({keep(key.c_str(), key.size() + 1), key.size() + 1});
    vector_.push_back({size == 0 ? nullptr : keep(data, size), size});
    return *this;
}

KernelParameters& KernelParameters::text(std::string_view name, std::string_view value) {
    const std::string copy{value};
    return bytes(name, copy.c_str(), copy.size() + 1);
}

KernelParameters& KernelParameters::number(std::string_view name, int value) {
    return bytes(name, &value, sizeof value);
}
KernelParameters& KernelParameters::flag(std::string_view name) { return bytes(name, nullptr, 0); }

std::vector<iovec>& KernelParameters::finish() {
    bytes("errmsg", nullptr, 0);
    vector_.back() = {message_.data(), message_.size()};
    return vector_;
}

std::string KernelParameters::error_text() const { return message_.c_str(); }

std::optional<int> find_jail(const std::string& name) {
    KernelParameters parameters;
    auto& vector = parameters.text("name", name).finish();
    const int jail = ::jail_get(vector.data(), static_cast<unsigned>(vector.size()), 0);
    if (jail >= 0) return jail;
    if (errno == ENOENT) return std::nullopt;
    throw SysError("look up jail {} ({})", name, parameters.error_text());
}

std::string jail_path(const std::string& name) {
    std::string path(MAXPATHLEN, '\0');
    KernelParameters parameters;
    parameters.text("name", name).flag("path");
    auto& vector = parameters.finish();
    vector.at(3) = {path.data(), path.size()};
    if (::jail_get(vector.data(), static_cast<unsigned>(vector.size()), 0) < 0) {
        throw SysError("look up jail {} ({})", name, parameters.error_text());
    }
    return path.c_str();
}

void remove_jail(const std::string& name) {
    if (const Fd descriptor = descriptor_of(name)) {
        if (::syscall(remove_by_descriptor, descriptor.get()) != 0 && errno != ENOENT)
            throw SysError("remove jail {}", name);
        return;
    }
    const auto jail = find_jail(name);
    if (jail && ::jail_remove(*jail) != 0 && errno != EINVAL)
        throw SysError("remove jail {}", name);
}

int create_jail(const SandboxSpec& spec, const std::string& name, const std::string& root) {
    const Jail& jail = spec.jail_settings.jail;
    KernelParameters parameters;
    parameters.text("name", name);
    parameters.text("path", root).flag("persist");
    add_jailsys(parameters, "host", jail.host);
    if (jail.host != "inherit") {
        parameters.text("host.hostname",
                        spec.hostname.empty() ? spec.id.substr(0, 12) : spec.hostname);
        parameters.text("host.domainname", spec.domainname)
            .text("host.hostuuid", host_uuid(spec.id));
    }
    // Inheriting is the absence of the parameter: with it, the kernel refuses ip4 and ip6.
    if (jail.vnet == "new") {
        add_jailsys(parameters, "vnet", jail.vnet);
    } else {
        if (!jail.vnet.empty() && jail.vnet != "inherit") {
            throw Error(ErrorKind::invalid_argument,
                        "freebsd.jail.vnet: want new or inherit, not {:?}", jail.vnet);
        }
        add_jailsys(parameters, "ip4", jail.ip4);
        add_jailsys(parameters, "ip6", jail.ip6);
        add_addresses<in_addr>(parameters, "ip4.addr", AF_INET, jail.ip4_addr);
        add_addresses<in6_addr>(parameters, "ip6.addr", AF_INET6, jail.ip6_addr);
    }
    add_jailsys(parameters, "sysvmsg", jail.sysvmsg);
    add_jailsys(parameters, "sysvsem", jail.sysvsem);
    add_jailsys(parameters, "sysvshm", jail.sysvshm);
    parameters.number("enforce_statfs", jail.enforce_statfs.value_or(2));
    add_permissions(parameters, jail.allow);
    // Last: of two for the same, the kernel takes the later one.
    for (const auto& [parameter, value] : jail.parameters)
        add_parameter(parameters, parameter, value);
    // jls(8) shows whose a jail is, whatever its name had to become.
    if (has_parameter("meta")) parameters.text("meta.brig", spec.id);
    auto& vector = parameters.finish();
    const int id = ::jail_set(vector.data(), static_cast<unsigned>(vector.size()), JAIL_CREATE);
    if (id >= 0) return id;
    if (errno == EEXIST) throw Error(ErrorKind::already_exists, "jail {} exists", name);
    throw SysError("create jail {} ({})", name, parameters.error_text());
}

}  // namespace brig::os
