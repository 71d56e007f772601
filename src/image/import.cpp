// See import.h.
#include "image/import.h"

#include <algorithm>

#include "archive/differences.h"
#include "archive/layer.h"
#include "archive/nodes.h"
#include "base/defer.h"
#include "base/log.h"

namespace brig::image {
namespace {

/// Directories do not count: those that an archive leaves out are made as it is unpacked.
class NewestFile : public archive::Differences {
public:
    void node(int directory, const std::string& name, const std::string&) override {
        const auto info = archive::stat_at(directory, name);
        if (info && !S_ISDIR(info->st_mode)) seconds_ = std::max(seconds_, info->st_mtim.tv_sec);
    }
    void gone(const std::string&, const std::string&) override {}
    void emptied(const std::string&) override {}
    [[nodiscard]] Instant time() const { return Instant(std::chrono::seconds(seconds_)); }

private:
    time_t seconds_ = 0;
};

Instant date_of(const Store& store, const Layer& layer, const ImportRequest& request) {
    if (request.created) return *request.created;
    if (!request.dated_by_files) return now();
    NewestFile newest;
    archive::find_differences(store.snapshots().tree(layer.chain_id.str()), {}, newest);
    return newest.time();
}

}  // namespace

Image import_tar(Store& store, int fd, const ImportRequest& request) {
    return import_tar(store, *archive::from_fd(fd), request);
}

Image import_tar(Store& store, archive::Source& tar, const ImportRequest& request) {
    NewImage image;
    image.config.platform = request.platform.value_or(oci::Platform::host());
    apply_changes(image.config.config, request.changes);
    if (request.name) image.names.push_back(request.name->with_default_tag());

    const Defer clean_up([&] {
        try {
            store.collect();
        } catch (const std::exception& e) {
            log::warn("cannot clean up after an import: {}", e.what());
        }
    });
    const content::Lease lease = store.content().lease();
    image.layers.push_back(store.add_layer(tar, std::nullopt));
    image.config.created = date_of(store, image.layers.front(), request);
    image.config.history.push_back(
        {.created = image.config.created,
         .comment = request.message.empty() ? "Imported from -" : request.message});
    return store.create(std::move(image));
}

}  // namespace brig::image
