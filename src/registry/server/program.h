// `brig registry serve` and `brig registry gc`: brigd's program does their work, since it has all
// of it linked, and `brig` has not.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "http/server.h"
#include "registry/server/collect.h"
#include "registry/server/service.h"

namespace brig::registry::server {

struct Options {
    bool gc = false;  ///< collect and leave
    bool stdio = false;
    std::string listen = "127.0.0.1:5000";
    std::filesystem::path root;
    http::TlsFiles tls;
    AccessRules access;
    bool insecure = false;
    CollectOptions collect;
};

/// ("serve" or "gc") and long options. Throws Error{invalid_argument}.
Options parse_options(const std::vector<std::string>& arguments);
/// Refuses what would let strangers in unasked: anything beyond loopback needs TLS, and passwords
/// unless it is read-only. Throws Error{invalid_argument}.
void check_exposure(const Options& options);
/// Serves until a signal or, over standard input and output, until its end.
int run(const Options& options);

}  // namespace brig::registry::server
