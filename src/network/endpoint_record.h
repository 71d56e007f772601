// The endpoints on disk: RUN/network/CONTAINER.json, one small file each. They tell a restarted
// engine which addresses and ports are in use; after a reboot they are gone, as the endpoints are.
#pragma once

#include <filesystem>
#include <vector>

#include "network/network.h"

namespace brig::network {

class EndpointRecords {
public:
    explicit EndpointRecords(std::filesystem::path directory);
    void write(const Endpoint& endpoint) const;
    /// Absent is fine.
    void remove(const std::string& container_id) const;
    /// Those that cannot be understood are removed, with a line in the log.
    [[nodiscard]] std::vector<Endpoint> load() const;

private:
    [[nodiscard]] std::filesystem::path path(const std::string& container_id) const;
    std::filesystem::path directory_;
};

}  // namespace brig::network
