// See image_tree.h.
#include "cli/image_tree.h"

#include <map>
#include <set>

#include "base/strings.h"
#include "cli/rows.h"

namespace brig::cli {
namespace {

std::string label_of(const Json& image) {
    std::vector<std::string> names;
    for (const auto& name : names_of_image(image, false)) {
        names.push_back(name.tag == "<none>" ? name.repository : name.repository + ":" + name.tag);
    }
    return join(names, ",");
}

class Tree {
public:
    Tree(const Json& images, const TreeView& view) : view_(view) {
        std::set<std::string> parents;
        for (const Json& image : images) {
            by_id_.emplace(text_of(image, "Id"), &image);
            parents.insert(text_of(image, "ParentId"));
        }
        for (const Json& image : images) {
            const bool intermediate =
                label_of(image) == "<none>" && parents.contains(text_of(image, "Id"));
            if (view.all || !intermediate) shown_.insert(text_of(image, "Id"));
        }
        for (const Json& image : images) {
            if (shown_.contains(text_of(image, "Id")))
                children_[parent_of(image)].push_back(&image);
        }
    }

    void add_rows(const std::string& parent, const std::string& indent, std::vector<Json>& rows) {
        const auto& children = children_[parent];
        for (std::size_t i = 0; i < children.size(); ++i) {
            const Json& image = *children[i];
            const bool last = i + 1 == children.size();
            const bool root = parent.empty();
            Json row = image_row(image, {}, view_.whole);
            row["Image"] = indent + (root ? "" : last ? "└─ " : "├─ ") + label_of(image);
            row["Parent"] = root ? "" : short_id(parent, view_.whole);
            rows.push_back(std::move(row));
            add_rows(text_of(image, "Id"), indent + (root ? "" : last ? "   " : "│  "), rows);
        }
    }

private:
    /// The nearest that is shown. No chain of parents is longer than there are images.
    [[nodiscard]] std::string parent_of(const Json& image) const {
        std::string id = text_of(image, "ParentId");
        for (std::size_t steps = 0; steps < by_id_.size() && !shown_.contains(id); ++steps) {
            const auto found = by_id_.find(id);
            if (found == by_id_.end()) return "";
            id = text_of(*found->second, "ParentId");
        }
        return id;
    }

    TreeView view_;
    std::map<std::string, const Json*> by_id_;
    std::set<std::string> shown_;
    std::map<std::string, std::vector<const Json*>> children_;
};

}  // namespace

Listing image_tree(const Json& images, const TreeView& view) {
    Listing out{.titles = image_titles(),
                .columns =
                    "{{.Image}}\t{{.ID}}\t{{.Parent}}\t{{.CreatedSince}}\t{{.Size}}\t"
                    "{{.UniqueSize}}"};
    out.titles["Image"] = "IMAGE";
    out.titles["Parent"] = "PARENT";
    Tree(images, view).add_rows("", "", out.rows);
    return out;
}

}  // namespace brig::cli
