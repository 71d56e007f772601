// Everything the engine is made of. main() builds the real ones; tests put their own in.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "os/sandbox_spec.h"

namespace brig::build {
class Runner;
}
namespace brig::content {
class Store;
}
namespace brig::image {
class Store;
}
namespace brig::network {
class Networks;
}
namespace brig::shim {
class Client;
}
namespace brig::snapshot {
class Snapshotter;
}
namespace brig::volume {
class Store;
}

namespace brig::engine {

struct Settings {
    std::filesystem::path root;  ///< /var/lib/brig
    std::filesystem::path run;   ///< /run/brig
    std::string storage_driver;
    bool debug = false;
    std::filesystem::path init;       ///< brig-init; empty: not installed
    std::vector<os::Rlimit> rlimits;  ///< what containers get that do not say
};

struct Parts {
    Settings settings;
    std::shared_ptr<image::Store> images;
    std::shared_ptr<snapshot::Snapshotter> snapshots;
    std::shared_ptr<shim::Client> tasks;
    std::shared_ptr<network::Networks> networks;
    std::shared_ptr<volume::Store> volumes;
};

}  // namespace brig::engine
