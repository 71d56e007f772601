// An index of a registry's images that is being put together here: a file beside docker's
// config.json, until it is pushed.
#pragma once

#include <filesystem>
#include <string>

#include "cli/json.h"
#include "oci/reference.h"

namespace brig::cli {

class ManifestDraft {
public:
    /// Of a member: where it is, when that is another repository.
    static constexpr auto source_key = "brig.source";

    /// Throws Error{invalid_argument}.
    explicit ManifestDraft(const std::string& name);

    [[nodiscard]] bool exists() const { return std::filesystem::exists(path_); }
    /// Throws Failure where there is none.
    [[nodiscard]] Json load() const;
    void save(const Json& index) const;
    void remove() const;
    [[nodiscard]] const oci::Reference& name() const { return name_; }

private:
    oci::Reference name_;
    std::filesystem::path path_;
};

}  // namespace brig::cli
