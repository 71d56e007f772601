// The database's document: docker's field names where docker has the field.
#include "engine/container.h"

#include <nlohmann/json.hpp>

#include "engine/json_fields.h"

namespace brig::engine {

using nlohmann::json;

Strings Record::command_line() const {
    Strings line = config.entrypoint.value_or(Strings{});
    if (line == Strings{""}) line.clear();  // how clients say "no entrypoint at all"
    if (config.cmd) line.insert(line.end(), config.cmd->begin(), config.cmd->end());
    return line;
}

std::string Record::network() const {
    if (config.network_disabled) return "none";
    const auto& mode = host.network_mode;
    return mode.empty() || mode == "default" ? "bridge" : mode;
}

namespace {

/// What docker's form of a mount leaves out.
json full_mount(const MountPoint& mount) {
    json out = mount;
    out["CopyUp"] = mount.copy_up;
    out["Anonymous"] = mount.anonymous;
    out["Recursive"] = mount.recursive;
    out["TmpfsSize"] = mount.tmpfs_size;
    out["TmpfsMode"] = mount.tmpfs_mode;
    return out;
}

MountPoint mount_from_full(const json& in) {
    auto mount = in.get<MountPoint>();
    field(in, "CopyUp", mount.copy_up);
    field(in, "Anonymous", mount.anonymous);
    field(in, "Recursive", mount.recursive);
    field(in, "TmpfsSize", mount.tmpfs_size);
    field(in, "TmpfsMode", mount.tmpfs_mode);
    return mount;
}

}  // namespace

std::string to_document(const Record& record) {
    json mounts = json::array();
    for (const auto& mount : record.mounts) mounts.push_back(full_mount(mount));
    const json document{{"ID", record.id},
                        {"Name", record.name},
                        {"Image", record.image_id},
                        {"Os", record.os},
                        {"Created", format_rfc3339(record.created)},
                        {"Config", record.config},
                        {"HostConfig", record.host},
                        {"NetworkingConfig", record.networking},
                        {"MountPoints", std::move(mounts)},
                        {"State", record.state},
                        {"RestartCount", record.restart_count},
                        {"StoppedByUser", record.stopped_by_user},
                        {"Populated", record.populated}};
    return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

Record record_from_document(const std::string& text) {
    const json document = parse_object(text);
    Record record;
    field(document, "ID", record.id);
    field(document, "Name", record.name);
    field(document, "Image", record.image_id);
    field(document, "Os", record.os);
    std::string created;
    field(document, "Created", created);
    record.created = parse_rfc3339(created).value_or(Instant{});
    field(document, "Config", record.config);
    field(document, "HostConfig", record.host);
    field(document, "NetworkingConfig", record.networking);
    json mounts = json::array();
    field(document, "MountPoints", mounts);
    for (const auto& mount : mounts) record.mounts.push_back(mount_from_full(mount));
    field(document, "State", record.state);
    field(document, "RestartCount", record.restart_count);
    field(document, "StoppedByUser", record.stopped_by_user);
    field(document, "Populated", record.populated);
    if (record.id.size() != 64)
        throw Error(ErrorKind::invalid_argument, "a container's record has no id");
    return record;
}

}  // namespace brig::engine
