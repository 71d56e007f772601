// See import.h.
#include "image/import.h"

#include "archive/layer.h"
#include "base/defer.h"
#include "base/log.h"

namespace brig::image {

Image import_tar(Store& store, int fd, const ImportRequest& request) {
    return import_tar(store, *archive::from_fd(fd), request);
}

Image import_tar(Store& store, archive::Source& tar, const ImportRequest& request) {
    NewImage image;
    image.config.platform = request.platform.value_or(oci::Platform::host());
    image.config.created = request.created.value_or(now());
    apply_changes(image.config.config, request.changes);
    image.config.history.push_back(
        {.created = image.config.created,
         .comment = request.message.empty() ? "Imported from -" : request.message});
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
    return store.create(std::move(image));
}

}  // namespace brig::image
