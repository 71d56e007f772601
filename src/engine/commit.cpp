// `docker commit`: a container's changes as a layer on its image.
#include "base/defer.h"
#include "base/log.h"
#include "base/strings.h"
#include "engine/impl.h"
#include "image/import.h"

namespace brig::engine {
namespace {

/// The container's own configuration becomes the image's.
oci::ExecutionConfig execution_config(const Config& from) {
    oci::ExecutionConfig out;
    out.user = from.user;
    out.env = from.env;
    out.entrypoint = from.entrypoint.value_or(Strings{});
    out.cmd = from.cmd.value_or(Strings{});
    out.working_dir = from.working_dir;
    out.labels = from.labels;
    out.exposed_ports = from.exposed_ports;
    out.volumes = from.volumes;
    out.stop_signal = from.stop_signal;
    out.stop_timeout = from.stop_timeout;
    out.shell = from.shell;
    out.health_check = from.health_check;
    return out;
}

std::vector<oci::Reference> names_of(const CommitRequest& request) {
    if (request.repo.empty()) return {};
    auto reference = oci::Reference::parse(request.tag.empty() ? request.repo
                                                               : request.repo + ":" + request.tag);
    if (reference.digest) {
        throw Error(ErrorKind::invalid_argument, "cannot create a tag with a digest: {}",
                    request.repo);
    }
    return {reference.with_default_tag()};
}

}  // namespace

std::string Engine::commit(const CommitRequest& request) {
    const auto container = impl_->table.find(request.container);
    const auto names = names_of(request);
    auto& images = *impl_->parts.images;
    Record record = container->snapshot();
    const auto base = images.find(Digest::parse(record.image_id));
    if (!base) throw Error(ErrorKind::not_found, "No such image: {}", record.image_id);

    image::NewImage wanted;
    wanted.config = base->config;
    wanted.config.config = execution_config(request.config ? *request.config : record.config);
    image::apply_changes(wanted.config.config, request.changes);
    wanted.config.created = now();
    wanted.config.author = request.author;
    wanted.names = names;
    wanted.parent = base->id;

    const bool freeze = request.pause && record.state.status == Status::running;
    if (freeze) pause(container->id);
    Defer thaw([&] {
        try {
            if (freeze) unpause(container->id);
        } catch (const Error& e) {
            log::warn("commit: {}", e.message());
        }
    });
    const auto lease = images.content().lease();
    images.keep(*base);
    wanted.layers = images.layers_of(*base);
    const auto parent =
        base->chain_ids.empty() ? std::nullopt : std::optional(base->chain_ids.back());
    wanted.layers.push_back(images.copy_snapshot(Impl::snapshot_of(container->id), parent));
    wanted.config.history.push_back({.created = wanted.config.created,
                                     .created_by = join(record.config.cmd.value_or(Strings{}), " "),
                                     .author = request.author,
                                     .comment = request.comment});
    const auto image = images.create(std::move(wanted));
    impl_->publish(record, "commit", {{"comment", request.comment}, {"imageID", image.id.str()}});
    return image.id.str();
}

}  // namespace brig::engine
