// Untagging and deleting by docker's rules: a name goes first, the image with its last name, its
// untagged parents with it; containers and other images in the way are conflicts, some of which
// force overrides.
#include <algorithm>

#include "base/error.h"
#include "image/store_state.h"

namespace brig::image {
namespace {

std::string short_id(std::string_view id) {
    if (id.starts_with("sha256:")) id.remove_prefix(7);
    return std::string(id.substr(0, 12));
}

using Names = std::vector<oci::Reference>;

/// One tag at most, and digests only of the same repository.
bool is_single_reference(const Names& names) {
    if (names.size() <= 1) return true;
    std::set<std::string> repositories;
    std::size_t tags = 0;
    for (const auto& name : names) {
        repositories.insert(name.name());
        if (!name.digest) ++tags;
    }
    return tags <= 1 && repositories.size() == 1;
}

struct Conflict {
    std::string message;
    bool hard;
};

/// Works on a copy of the tables; what it decides is applied in one transaction afterwards.
class Removing {
public:
    /// `in_use`: what does not go with its children.
    Removing(const Records::Tables& tables, const RemoveOptions& options,
             const std::set<Digest>& in_use)
        : tables_(tables), options_(options), in_use_(in_use) {}

    void image(const Image& image, std::string_view text);
    /// Deletes an image and then its parents. `quiet`: what is in the way leaves it, untagged.
    void erase(const Digest& id, bool force, bool quiet);

    std::vector<Removal> done;
    std::vector<std::string> names;
    std::vector<Digest> images;
    std::vector<Digest> layers;  ///< diff IDs of those that no other image has

private:
    [[nodiscard]] Names names_of(const Digest& id) const {
        Names out;
        for (const auto& [name, image] : tables_.names) {
            if (image == id) out.push_back(oci::Reference::parse(name));
        }
        return out;
    }

    void untag(const oci::Reference& name) {
        done.push_back({.untagged = name.familiar()});
        names.push_back(name.str());
        tables_.names.erase(name.str());
    }

    void untag_by_name(const Image& image, std::string_view text);
    [[nodiscard]] const ImageUser* user_of(const Digest& id, bool running_only) const;
    [[nodiscard]] std::optional<Conflict> conflict(const Digest& id, bool force,
                                                   bool check_names) const;
    void report_layers(const Image& image);

    Records::Tables tables_;
    const RemoveOptions& options_;
    const std::set<Digest>& in_use_;
};

const ImageUser* Removing::user_of(const Digest& id, bool running_only) const {
    for (const auto& user : options_.users) {
        if (user.image == id && (user.running || !running_only)) return &user;
    }
    return nullptr;
}

std::optional<Conflict> Removing::conflict(const Digest& id, bool force, bool check_names) const {
    if (const auto* user = user_of(id, true)) {
        return Conflict{"image is being used by running container " + short_id(user->container_id),
                        true};
    }
    const bool has_children = std::ranges::any_of(
        tables_.images, [&](const auto& item) { return item.second->parent == id; });
    if (has_children) return Conflict{"image has dependent child images", true};
    if (force) return std::nullopt;
    if (check_names && names_of(id).size() > 1) {
        return Conflict{"image is referenced in multiple repositories", false};
    }
    if (const auto* user = user_of(id, false)) {
        return Conflict{"image is being used by stopped container " + short_id(user->container_id),
                        false};
    }
    return std::nullopt;
}

[[noreturn]] void throw_conflict(const Digest& id, const Conflict& conflict) {
    throw Error(ErrorKind::conflict, "conflict: unable to delete {} ({}) - {}", short_id(id.str()),
                conflict.hard ? "cannot be forced" : "must be forced", conflict.message);
}

void Removing::untag_by_name(const Image& image, std::string_view text) {
    auto name = oci::Reference::parse(text).with_default_tag();
    if (name.digest) name.tag.clear();
    if (!options_.force && is_single_reference(names_of(image.id))) {
        if (const auto* user = user_of(image.id, false)) {
            throw Error(
                ErrorKind::conflict,
                "conflict: unable to remove repository reference {:?} (must force) - container "
                "{} is using its referenced image {}",
                text, short_id(user->container_id), short_id(image.id.str()));
        }
    }
    untag(name);
    if (name.digest) return;
    // Digests of a repository without any tag left are of no use to anybody.
    const Names rest = names_of(image.id);
    const bool has_tag = std::ranges::any_of(
        rest, [&](const auto& other) { return !other.digest && other.name() == name.name(); });
    for (const auto& other : rest) {
        if (!has_tag && other.digest && other.name() == name.name()) untag(other);
    }
}

void Removing::image(const Image& image, std::string_view text) {
    if (!is_prefix_of(text, image.id)) {
        untag_by_name(image, text);
        if (!names_of(image.id).empty()) return;
        return erase(image.id, options_.force, true);
    }
    const Names own = names_of(image.id);
    if (is_single_reference(own)) {
        if (const auto found = conflict(image.id, options_.force, false))
            throw_conflict(image.id, *found);
        for (const auto& name : own) untag(name);
    }
    erase(image.id, options_.force, false);
}

void Removing::erase(const Digest& id, bool force, bool quiet) {
    const auto found = tables_.images.find(id);
    if (found == tables_.images.end()) return;
    if (const auto problem = conflict(id, force, true)) {
        if (quiet) return;
        throw_conflict(id, *problem);
    }
    for (const auto& name : names_of(id)) untag(name);
    const auto image = found->second;
    tables_.images.erase(found);
    images.push_back(id);
    done.push_back({.deleted = id.str()});
    report_layers(*image);
    if (!options_.prune_parents || !image->parent) return;
    if (names_of(*image->parent).empty() && !in_use_.contains(*image->parent))
        erase(*image->parent, false, true);
}

/// Layers that no other image has, uppermost first.
void Removing::report_layers(const Image& image) {
    std::set<Digest> live;
    for (const auto& [id, other] : tables_.images)
        live.insert(other->chain_ids.begin(), other->chain_ids.end());
    for (auto i = image.chain_ids.size(); i-- > 0;) {
        if (live.contains(image.chain_ids[i])) continue;
        done.push_back({.deleted = image.chain_ids[i].str()});
        layers.push_back(image.config.diff_ids[i]);
    }
}

}  // namespace

std::vector<Removal> Store::remove(std::string_view name_or_id, const RemoveOptions& options) {
    std::vector<Removal> done;
    {
        const std::scoped_lock lock(state_->mutex);
        const auto image = state_->resolve(name_or_id);
        Removing removing(state_->records.tables(), options, state_->used_images());
        removing.image(*image, name_or_id);
        state_->records.erase(removing.names, removing.images);
        state_->index.update(state_->records);
        done = std::move(removing.done);
    }
    collect();
    return done;
}

Store::Pruned Store::prune(bool all, const std::vector<ImageUser>& users,
                           const std::function<bool(const Image&)>& wanted) {
    const RemoveOptions options{.users = users};
    Pruned out;
    {
        const std::scoped_lock lock(state_->mutex);
        const auto& tables = state_->records.tables();
        const auto& in_use = state_->used_images();
        const auto unused = [&](const Image& image) {
            const auto uses = [&](const ImageUser& user) { return user.image == image.id; };
            return (all || state_->records.names_of(image.id).empty()) &&
                   std::ranges::none_of(users, uses) && !in_use.contains(image.id) &&
                   (!wanted || wanted(image));
        };
        Removing removing(tables, options, in_use);
        // An image with children stays until the last of them has gone, which may be any of a pass.
        for (std::size_t before = SIZE_MAX; removing.images.size() != before;) {
            before = removing.images.size();
            for (const auto& [id, image] : tables.images) {
                if (unused(*image)) removing.erase(id, true, true);
            }
        }
        state_->records.erase(removing.names, removing.images);
        state_->index.update(state_->records);
        state_->records.forget_pulls();
        for (const auto& layer : removing.layers)
            out.bytes += state_->records.layer_size(layer).value_or(0);
        out.removed = std::move(removing.done);
    }
    out.bytes += collect();
    return out;
}

}  // namespace brig::image
