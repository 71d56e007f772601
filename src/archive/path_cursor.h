// Finds the directory an entry belongs in, keeping the descriptors of the last path, so that
// unpacking opens every directory about once.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "archive/layer_tree.h"
#include "base/fd.h"
#include "os/file_flags.h"

namespace brig::archive {

/// "a/./b/" → {"a","b"}. Throws Error{invalid_argument} for "..", NUL and absurd depth.
std::vector<std::string> clean_path(std::string_view path);

/// A place where an entry is or will be: `name` in `directory`, really at `path` ("usr/bin/x",
/// links resolved). `directory` belongs to the cursor and lives until its next call.
struct Place {
    int directory;
    std::string name;  ///< "." for the root
    std::string path;  ///< "" for the root
    /// Whether what is made here begins with an ACL, the default one of the directory.
    bool inherits_acl = false;
    /// Keeps `directory` open past the cursor's next call; nothing for the tree's own root.
    std::shared_ptr<const Fd> held;
};

/// Flags by path, of what cannot have them yet: nothing can be put into a directory that is schg,
/// and nothing linked to such a file.
using PendingFlags = std::map<std::string, os::FileFlags>;

class PathCursor {
public:
    /// `lifted` gets the flags of directories entered, which are taken from them. `settle` is
    /// called before a part counts as missing, and says whether that may have changed.
    PathCursor(const LayerTree& tree, PendingFlags& lifted, std::function<bool()> settle)
        : tree_(tree), lifted_(lifted), settle_(std::move(settle)) {}

    enum class Missing { create, refuse };
    /// Resolves all parts but the last, following links as a chroot at the root would, through
    /// lower layers of an overlay too: a directory or link found there is taken over into this
    /// layer. Directories found nowhere are made or refused.
    Place locate(const std::vector<std::string>& parts, Missing missing = Missing::create);

    /// Must be called after a directory or link was replaced, or a directory got a default ACL.
    void forget() {
        stack_.clear();
        root_acl_.reset();
    }

    /// False when this layer hides what lower layers have in the directory `path`.
    [[nodiscard]] bool lowers_visible(const std::string& path) const;

private:
    struct Step {
        std::string name;  // as written in the entry's path
        std::shared_ptr<const Fd> directory;
        std::string path;
        bool default_acl;
    };

    [[nodiscard]] int top() const {
        return stack_.empty() ? tree_.root.get() : stack_.back().directory->get();
    }
    [[nodiscard]] std::string top_path() const { return stack_.empty() ? "" : stack_.back().path; }
    bool top_has_default_acl();
    void enter(const std::string& name, Missing missing);
    struct Position {
        Fd directory;
        std::string path;  // without links, so its text is its structure
    };
    using Pending = std::deque<std::string>;
    bool step(Position& at, const std::string& name, Missing missing, Pending& pending);
    void follow(Position& at, const std::string& text, Pending& pending) const;
    bool take_over_lower(Position& at, const std::string& name, Pending& pending);
    void own(int directory, const std::string& name, const std::string& path) const;
    [[nodiscard]] Position reopen(const std::string& path) const;

    const LayerTree& tree_;
    PendingFlags& lifted_;
    std::function<bool()> settle_;
    std::vector<Step> stack_;
    std::optional<bool> root_acl_;  ///< whether the root has a default ACL, once it is known
};

/// Gives `name` in `directory` the owner, mode, times and attributes of a node in a lower layer.
void copy_attributes(int from_directory, const std::string& from_name, int directory,
                     const std::string& name);

}  // namespace brig::archive
