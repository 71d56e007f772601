// See manifest_draft.h.
#include "cli/manifest_draft.h"

#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "cli/command.h"
#include "cli/registry_login.h"
#include "client/client.h"

namespace brig::cli {

ManifestDraft::ManifestDraft(const std::string& name)
    : name_(oci::Reference::parse(name).with_default_tag()) {
    path_ = config_directory() / "manifests" / (client::encode(name_.str()) + ".json");
}

Json ManifestDraft::load() const {
    if (!exists()) {
        throw Failure(1, fmt::format("No such manifest: {}; make it with brig manifest create",
                                     name_.familiar()));
    }
    return parse_json(read_file(path_));
}

void ManifestDraft::save(const Json& index) const {
    make_directories(path_.parent_path());
    write_file_atomic(path_, index.dump());
}

void ManifestDraft::remove() const {
    if (::unlink(path_.c_str()) != 0 && errno != ENOENT)
        throw SysError("remove {}", path_.string());
}

}  // namespace brig::cli
