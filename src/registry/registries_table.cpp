// See registries_table.h. What is not known is refused: a rule that is not followed is worse than
// none.
#include "registry/registries_table.h"

#include <algorithm>

#include "base/error.h"
#include "oci/reference.h"

namespace brig::registry {
namespace {

/// One table, and where it stands for who reads an error.
class Entry {
public:
    Entry(const toml::node& node, std::string place)
        : place_(std::move(place)), table_(node.as_table()) {
        if (table_ == nullptr) refuse("is not a table");
    }

    [[noreturn]] void refuse(const std::string& why) const {
        throw Error(ErrorKind::invalid_argument, "{} {}", place_, why);
    }
    [[nodiscard]] std::string location() const {
        const auto value = (*table_)["location"].value<std::string>();
        if (!value) refuse("needs location = \"HOST[:PORT]\"");
        return *value;
    }
    [[nodiscard]] bool insecure() const {
        const auto* node = table_->get("insecure");
        if (node == nullptr) return false;
        const auto value = node->value_exact<bool>();
        if (!value) refuse("has an insecure that is neither true nor false");
        return *value;
    }
    [[nodiscard]] const toml::node* mirrors() const { return table_->get("mirror"); }
    void only(std::initializer_list<std::string_view> known) const {
        for (const auto& [key, value] : *table_) {
            if (std::ranges::find(known, key.str()) == known.end())
                refuse(fmt::format("has an unknown key {:?}", key.str()));
        }
    }

private:
    std::string place_;
    const toml::table* table_;
};

const toml::array& tables_of(const toml::node& node, const std::string& place) {
    const auto* array = node.as_array();
    if (array == nullptr) {
        throw Error(ErrorKind::invalid_argument, "{} is written with double brackets: [[{}]]",
                    place, place.substr(place.rfind(' ') + 1));
    }
    return *array;
}

Mirror mirror_of(const Entry& entry) {
    entry.only({"location", "insecure"});
    try {
        auto out = Mirror::parse(entry.location());
        out.insecure = out.insecure || entry.insecure();
        return out;
    } catch (const Error& e) {
        entry.refuse(fmt::format("has a location that is none: {}", e.message()));
    }
}

}  // namespace

RegistriesTable read_registries(const toml::node& tables, const std::string& file) {
    RegistriesTable out;
    for (const auto& node : tables_of(tables, file + ": registry")) {
        const Entry entry(node, file + ": registry");
        entry.only({"location", "insecure", "mirror"});
        const auto name = entry.location();
        const auto place = fmt::format("{}: registry {}", file, name);
        const auto image = oci::Reference::try_parse(name + "/image");
        if (!image || image->domain != name)
            entry.refuse(fmt::format("{:?} is not what images of it are called by", name));
        if (entry.insecure()) out.insecure.insert(name);
        if (entry.mirrors() == nullptr) continue;
        for (const auto& mirror : tables_of(*entry.mirrors(), place + ": registry.mirror"))
            out.mirrors[name].push_back(mirror_of(Entry(mirror, place + ": mirror")));
    }
    return out;
}

}  // namespace brig::registry
