// The ioctl and routing-socket requests behind a container's link. Each takes the socket to ask
// by: a socket acts in the VNET where it was opened, whoever holds it.
#pragma once

#include <string>

#include "base/fd.h"
#include "os/net_address.h"

namespace brig::os::freebsd_net {

Fd interface_socket();
Fd interface_socket6();
Fd route_socket();

/// "epair" or "bridge"; returns the name that the kernel chose ("epair0a", "bridge0").
std::string create_interface(int socket, const std::string& kind);
/// Absent is fine.
void destroy_interface(int socket, const std::string& name);
void rename_interface(int socket, const std::string& name, const std::string& new_name);
void set_up(int socket, const std::string& name);
void set_mtu(int socket, const std::string& name, unsigned mtu);
void set_mac(int socket, const std::string& name, const MacAddress& mac);
void add_address(int socket, const std::string& name, const Ipv4Interface& address);
/// By a socket of IPv6. Usable at once: without duplicate address detection.
void add_address(int socket6, const std::string& name, const Ipv6Interface& address);
/// Absent is fine, and so is an interface that has gone.
void remove_address(int socket, const std::string& name, const Ipv4Interface& address);
void remove_address(int socket6, const std::string& name, const Ipv6Interface& address);
void add_bridge_member(int socket, const std::string& bridge, const std::string& member);
bool is_bridge(int socket, const std::string& name);
/// Moves an interface into a jail's VNET.
void move_to_jail(int socket, const std::string& name, int jail);
void add_default_route(int route_socket, Ipv4Address gateway);
void add_default_route(int route_socket, const Ipv6Address& gateway);

}  // namespace brig::os::freebsd_net
