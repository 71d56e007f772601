// See mount_flag.h.
#include "cli/mount_flag.h"

#include <charconv>
#include <filesystem>

#include "base/strings.h"
#include "cli/flags.h"

namespace brig::cli {
namespace {

std::string absolute_path(const std::string& path) {
    auto full = std::filesystem::absolute(path).lexically_normal().string();
    if (full.size() > 1 && full.ends_with('/')) full.pop_back();
    return full;
}

bool is_relative_path(std::string_view source) {
    return source == "." || source == ".." || source.starts_with("./") || source.starts_with("../");
}

/// "a=b" or "a": fields of a line of CSV; quotes protect commas.
std::vector<std::string> csv_fields(std::string_view text) {
    std::vector<std::string> fields(1);
    bool quoted = false;
    for (const char c : text) {
        if (c == '"')
            quoted = !quoted;
        else if (c == ',' && !quoted)
            fields.emplace_back();
        else
            fields.back() += c;
    }
    return fields;
}

bool truth(const std::string& key, const std::optional<std::string>& value) {
    const auto parsed = parse_bool(value.value_or("true"));
    if (!parsed) throw BadValue(fmt::format("invalid value for {}: {}", key, value.value_or("")));
    return *parsed;
}

std::int64_t octal_mode(const std::string& text) {
    unsigned mode = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
    if (error != std::errc{} || end != text.data() + text.size()) {
        throw BadValue("invalid value for tmpfs-mode: " + text);
    }
    return mode;
}

void set_label(Json& mount, const std::string& value) {
    const auto [name, text] = split_once(value, '=');
    mount["VolumeOptions"]["Labels"][name] = text.value_or("");
}

void set_driver_option(Json& mount, const std::string& value) {
    const auto [name, text] = split_once(value, '=');
    mount["VolumeOptions"]["DriverConfig"]["Options"][name] = text.value_or("");
}

/// Keys that need a value. Returns whether `key` is one of them.
bool set_with_value(Json& mount, const std::string& key, const std::string& value) {
    if (key == "type")
        mount["Type"] = to_lower(value);
    else if (key == "source" || key == "src")
        mount["Source"] = is_relative_path(value) ? absolute_path(value) : value;
    else if (key == "target" || key == "dst" || key == "destination")
        mount["Target"] = value;
    else if (key == "consistency")
        mount["Consistency"] = to_lower(value);
    else if (key == "bind-propagation")
        mount["BindOptions"]["Propagation"] = to_lower(value);
    else if (key == "volume-subpath")
        mount["VolumeOptions"]["Subpath"] = value;
    else if (key == "volume-label")
        set_label(mount, value);
    else if (key == "volume-driver")
        mount["VolumeOptions"]["DriverConfig"]["Name"] = value;
    else if (key == "volume-opt")
        set_driver_option(mount, value);
    else if (key == "tmpfs-size")
        mount["TmpfsOptions"]["SizeBytes"] = parse_size(value);
    else if (key == "tmpfs-mode")
        mount["TmpfsOptions"]["Mode"] = octal_mode(value);
    else
        return false;
    return true;
}

/// Keys that may stand alone.
bool set_switch(Json& mount, const std::string& key, const std::optional<std::string>& value) {
    if (key == "readonly" || key == "ro")
        mount["ReadOnly"] = truth(key, value);
    else if (key == "volume-nocopy")
        mount["VolumeOptions"]["NoCopy"] = truth(key, value);
    else if (key == "bind-create-src")
        mount["BindOptions"]["CreateMountpoint"] = truth(key, value);
    else if (key == "bind-nonrecursive")
        mount["BindOptions"]["NonRecursive"] = truth(key, value);
    else
        return false;
    return true;
}

}  // namespace

VolumeFlag parse_volume_flag(std::string_view text) {
    const auto [source, rest] = split_once(text, ':');
    if (!rest) return {std::string(text), false};
    if (source.empty() || rest->empty() || rest->starts_with(':')) {
        throw Error(ErrorKind::invalid_argument, "invalid spec: {}: empty section between colons",
                    text);
    }
    return {(is_relative_path(source) ? absolute_path(source) : source) + ":" + *rest, true};
}

Json parse_mount_flag(std::string_view text) {
    Json mount = {{"Type", "volume"}};
    for (const auto& field : csv_fields(text)) {
        const auto [raw_key, value] = split_once(field, '=');
        const std::string key = to_lower(raw_key);
        if (set_switch(mount, key, value)) continue;
        if (!value)
            throw BadValue(fmt::format("invalid field '{}' must be a key=value pair", field));
        if (!set_with_value(mount, key, *value)) {
            throw BadValue(fmt::format("unexpected key '{}' in '{}'", raw_key, field));
        }
    }
    if (text_of(mount, "Target").empty()) throw BadValue("target is required");
    const std::string type = text_of(mount, "Type");
    for (const auto& [options, owner] : {std::pair{"VolumeOptions", "volume"},
                                         {"BindOptions", "bind"},
                                         {"TmpfsOptions", "tmpfs"}}) {
        if (mount.contains(options) && type != owner) {
            throw BadValue(
                fmt::format("cannot mix '{}-*' options with mount type '{}'", owner, type));
        }
    }
    return mount;
}

}  // namespace brig::cli
