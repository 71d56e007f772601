// Named volumes: directories that outlive containers, VOLUMES/NAME/_data, each with its metadata
// beside the data. The directory tree is the database, so nothing can disagree with it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "archive/owner_map.h"
#include "base/time.h"

namespace brig::volume {

struct Volume {
    std::string name;
    std::string driver = "local";
    std::filesystem::path mountpoint;  ///< ROOT/volumes/NAME/_data
    Instant created;
    std::map<std::string, std::string> labels;
    std::map<std::string, std::string> options;
    bool anonymous = false;
};

struct CreateRequest {
    std::string name;  ///< empty: a random one of 64 hex digits, and `anonymous`
    std::string driver = "local";
    std::map<std::string, std::string> labels;
    std::map<std::string, std::string> options;
    /// Made for somebody who is not on record yet: remove it after a crash unless kept by then.
    bool provisional = false;
};

/// Throws Error{invalid_argument} with docker's text unless `name` is
/// [a-zA-Z0-9][a-zA-Z0-9_.-]+ of at most 255 bytes.
void check_name(std::string_view name);

/// Thread-safe.
class Store {
public:
    /// `root` is the volumes directory; it is made, 0701, when absent. Finishes what a killed
    /// engine left half made or half removed. New volumes belong to the root of `owners`.
    explicit Store(std::filesystem::path root, const archive::OwnerMap& owners = {});

    /// A volume that exists already is returned as it is. Throws conflict when it has another
    /// driver, not_found for an unknown driver, invalid_argument for options of "local" that are
    /// not there yet (type, o, device).
    Volume create(const CreateRequest& request);
    [[nodiscard]] std::optional<Volume> find(const std::string& name) const;
    /// Throws Error{not_found} "get NAME: no such volume".
    [[nodiscard]] Volume inspect(const std::string& name) const;
    /// By name.
    [[nodiscard]] std::vector<Volume> list() const;
    /// Whether a container uses the volume is the caller's to know. Throws not_found.
    void remove(const std::string& name);
    /// The volume has found its owner.
    void keep(const std::string& name);
    /// Its owner goes, and it with him: provisional until it is removed. Absent is fine.
    void give_up(const std::string& name);
    /// Names of those to be removed after a crash, were it now.
    [[nodiscard]] std::vector<std::string> provisional() const;
    /// Bytes of the data; 0 when absent.
    [[nodiscard]] std::uint64_t usage(const std::string& name) const;

    /// Fills an empty volume with what the image has at the path where it will be mounted:
    /// contents with owners, modes, times, extended attributes and links, and the owner and mode
    /// of the directory itself. `rootfs` is a directory descriptor of the container's root; `path`
    /// is resolved beneath it, symbolic links included. Nothing happens when the volume is not
    /// empty or the image has no directory there. Returns whether it copied.
    bool copy_up(const std::string& name, int rootfs, const std::string& path);

private:
    std::filesystem::path root_;
    std::uint32_t user_, group_;
};

}  // namespace brig::volume
