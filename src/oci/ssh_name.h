// Names of images in a registry that is reached by SSH: ssh://[USER@]HOST[:PORT]/PATH/NAME[:TAG].
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "oci/reference.h"

namespace brig::oci {

struct SshName {
    /// "ssh://USER@HOST:PORT/PATH": the machine and the directory of its registry.
    std::string address;
    /// NAME as it stands there, tag and digest apart. Up to PATH's last slash, unless a double
    /// slash ends PATH: ssh://host/srv/registry//team/app:1
    std::string path;
    /// What the image is called here: NAME[:TAG|@DIGEST].
    Reference local;

    /// For the registry client: the address in the domain's place.
    [[nodiscard]] Reference remote() const;
};

/// Nothing for what does not begin with "ssh://". Throws Error{invalid_argument}.
std::optional<SshName> parse_ssh_name(std::string_view text);

/// An address taken apart. Empty `user`, `port`: ssh's own. Empty `path`: the far side's own.
struct SshAddress {
    std::string user;
    std::string host;
    std::string port;
    std::string path;

    /// Throws Error{invalid_argument} for what could be taken for anything else than a host's name
    /// by ssh or by a shell (CVE-2017-1000117).
    static SshAddress parse(std::string_view address);
};

bool is_ssh_address(std::string_view text);

}  // namespace brig::oci
