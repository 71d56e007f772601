// Whose number in an archive is whose on disk, for trees that belong to a user namespace: of
// owners, of the users and groups that ACLs name, and of the root that file capabilities count for.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/mount_spec.h"

namespace brig::archive {

/// Where a number is to go.
enum class To { disk, archive };

class OwnerMap {
public:
    /// Changes nothing.
    OwnerMap() = default;
    /// "Container" is the archive's side, "host" the disk's. Throws Error{invalid_argument} for
    /// what no user namespace can have: a range of nothing, one past the last number, two that
    /// overlap on either side, or one kind without the other.
    OwnerMap(std::vector<IdMapping> users, std::vector<IdMapping> groups);

    /// The same, but who is not in it is nobody (65534) on the way into an archive, as the kernel
    /// shows strangers inside. For copies that no image is made of.
    [[nodiscard]] OwnerMap with_strangers() const;

    [[nodiscard]] bool empty() const { return users_.empty(); }
    [[nodiscard]] const std::vector<IdMapping>& users() const { return users_; }
    [[nodiscard]] const std::vector<IdMapping>& groups() const { return groups_; }

    // These throw Error{invalid_argument} for a number that the map does not hold: an owner that
    // came out as somebody else, or as nobody, would go into the next image like that.
    [[nodiscard]] std::uint32_t user(std::uint32_t id, To where) const;
    [[nodiscard]] std::uint32_t group(std::uint32_t id, To where) const;
    /// The numbers inside of POSIX ACLs and of security.capability, whose second version becomes
    /// the third on disk: the kernel heeds that in the namespace and nowhere above it.
    void translate(std::vector<std::pair<std::string, std::string>>& xattrs, To where) const;

private:
    [[nodiscard]] std::string acl(std::string value, To where) const;
    [[nodiscard]] std::string capability(std::string value, To where) const;

    [[nodiscard]] std::uint32_t look_up(std::uint32_t id, To where, const char* kind,
                                        const std::vector<IdMapping>& ranges) const;

    std::vector<IdMapping> users_, groups_;
    bool strangers_ = false;
};

}  // namespace brig::archive
