#include "volume/metadata.h"

#include <nlohmann/json.hpp>

#include "base/log.h"

namespace brig::volume {
namespace {

using nlohmann::json;

std::filesystem::path file_in(const std::filesystem::path& directory) {
    return directory / "volume.json";
}

}  // namespace

void write_metadata(const std::filesystem::path& directory, const Volume& volume,
                    Durability durability) {
    const json data = {{"driver", volume.driver},
                       {"created", format_rfc3339(volume.created)},
                       {"labels", volume.labels},
                       {"options", volume.options},
                       {"anonymous", volume.anonymous}};
    write_file_atomic(file_in(directory), data.dump(), 0600, durability);
}

Volume read_metadata(const std::filesystem::path& directory) {
    Volume volume;
    try {
        const auto data = json::parse(read_file(file_in(directory)));
        volume.driver = data.at("driver");
        volume.created = parse_rfc3339(data.at("created").get<std::string>()).value_or(Instant{});
        volume.labels = data.at("labels");
        volume.options = data.at("options");
        volume.anonymous = data.at("anonymous");
    } catch (const std::exception& error) {
        log::warn("metadata of volume {}: {}", directory.filename().native(), error.what());
    }
    return volume;
}

}  // namespace brig::volume
