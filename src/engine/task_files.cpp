// See task_files.h.
#include "engine/task_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/strings.h"
#include "network/files.h"
#include "os/file_flags.h"

namespace brig::engine {
namespace {

/// In place: containers have these files bind-mounted, and the directory is ours alone. The flags
/// that one may have given its file are gone then.
Fd write_file(const std::filesystem::path& path, std::string_view data, mode_t mode) {
    os::unprotect(AT_FDCWD, path);
    Fd file = open_file(path.string(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode);
    write_all(file.get(), data);
    return file;
}

std::vector<std::pair<std::string, std::string>> extra_hosts(
    const HostConfig& host, const std::optional<network::Endpoint>& endpoint) {
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& entry : host.extra_hosts) {
        const auto at = entry.find_first_of("=:");
        if (at == std::string::npos || at == 0) {
            throw Error(ErrorKind::invalid_argument, "bad format for add-host: \"{}\"", entry);
        }
        std::string address = entry.substr(at + 1);
        if (address == "host-gateway") {
            if (!endpoint) {
                throw Error(ErrorKind::invalid_argument,
                            "unable to derive the IP value for host-gateway");
            }
            address = endpoint->gateway.str();
        }
        if (address.find_first_not_of("0123456789abcdefABCDEF.:[]") != std::string::npos) {
            throw Error(ErrorKind::invalid_argument, "invalid IP address in add-host: \"{}\"",
                        address);
        }
        out.emplace_back(entry.substr(0, at), std::move(address));
    }
    return out;
}

}  // namespace

void write_bundle(const std::filesystem::path& bundle, std::string_view config) {
    make_directories(bundle / "rootfs", 0700);
    write_file(bundle / "config.json", config, 0600);
}

void write_network_files(const std::filesystem::path& directory, const Record& record,
                         const std::optional<network::Endpoint>& endpoint,
                         const archive::OwnerMap& owners) {
    const auto write_file = [&](const char* name, std::string_view data) {
        const Fd file = engine::write_file(directory / name, data, 0644);
        if (owners.empty()) return;
        const auto user = owners.user(0, archive::To::disk);
        if (::fchown(file.get(), user, owners.group(0, archive::To::disk)) != 0)
            throw SysError("change the owner of {}", (directory / name).string());
    };
    auto scope = network::DnsScope::own_network;
    std::vector<os::IpAddress> addresses;
    if (endpoint) addresses.emplace_back(endpoint->address.address);
    if (endpoint && endpoint->address6) {
        addresses.emplace_back(endpoint->address6->address);
        scope = network::DnsScope::own_network_with_ipv6;
    }
    if (record.network() == "host") scope = network::DnsScope::host_network;
    const network::DnsOptions dns{record.host.dns, record.host.dns_search, record.host.dns_options};
    write_file("resolv.conf", network::make_resolv_conf(network::host_resolv_conf(), dns, scope));
    write_file("hostname", network::make_hostname(record.config.hostname));
    write_file("hosts", network::make_hosts(record.config.hostname, record.config.domainname,
                                            addresses, extra_hosts(record.host, endpoint)));
}

}  // namespace brig::engine
