// See push.h.
#include "image/push.h"

#include <algorithm>
#include <atomic>

#include "base/error.h"
#include "image/convert.h"
#include "oci/document.h"
#include "oci/manifest.h"

namespace brig::image {
namespace {

constexpr std::size_t short_id = 12;

/// Somebody wanted exactly these blobs: a registry has them so, or they were converted.
bool goes_as_it_is(const Image& image) {
    const auto known = "@" + image.manifest.str();
    return image.is_form || std::ranges::any_of(image.digests, [&](const std::string& name) {
               return name.ends_with(known);
           });
}

bool is_uncompressed(std::string_view type) {
    return type == oci::media_type::layer || type == oci::media_type::docker_layer;
}

/// Repositories of the same registry that are known to have an image's layers.
using Sisters = std::vector<std::pair<std::string, Image>>;

Sisters sisters(const Store& store, const oci::Reference& name) {
    Sisters out;
    for (const auto& image : store.list(true)) {
        for (const auto& text : image.digests) {
            const auto other = oci::Reference::parse(text);
            if (other.domain == name.domain && other.path != name.path)
                out.emplace_back(other.path, image);
        }
    }
    return out;
}

/// One push under way.
class Push {
public:
    Push(Store& store, const registry::Settings& settings, const PushRequest& request,
         const TransferProgress& progress, registry::Cancelled cancelled)
        : store_(store),
          request_(request),
          reporter_(progress),
          uploads_(settings.uploads),
          repository_(settings, request.there(), request.credentials, registry::Access::push,
                      [this, cancelled = std::move(cancelled)] {
                          return stop_ || (cancelled && cancelled());
                      }),
          image_(find_image()),
          sisters_(request.target ? Sisters() : sisters(store, request.name)) {}

    Pushed run() {
        auto& content = store_.content();
        const auto stored =
            oci::parse_manifest(content.read(image_.manifest, oci::max_document_bytes));
        layers_ = stored.layers;
        for (std::size_t i = 0; i < layers_.size(); ++i) reporter_.tell({id_of(i), "Preparing"});
        {
            Transfers transfers(layers_.size(),
                                {{uploads_, [this](std::size_t i) { send_layer(i); }}}, stop_);
            for (std::size_t i = 0; i < layers_.size(); ++i) transfers.wait(i);
        }
        stop_ = false;
        const Fd config = content.open(stored.config.digest);
        repository_.put_blob(stored.config, config, mount_source(stored.config.digest), {});
        return send_manifest(stored);
    }

private:
    Image find_image() const {
        try {
            auto image = store_.resolve(request_.name.familiar());
            store_.keep(image);
            return image;
        } catch (const Error& e) {
            if (e.kind() != ErrorKind::not_found) throw;
            throw Error(ErrorKind::not_found, "An image does not exist locally with the tag: {}",
                        request_.name.familiar_name());
        }
    }

    /// Docker shows layers of a push by their diff ID.
    [[nodiscard]] std::string id_of(std::size_t index) const {
        return std::string(image_.config.diff_ids.at(index).hex().substr(0, short_id));
    }

    [[nodiscard]] std::optional<std::string> mount_source(const Digest& blob) const {
        for (const auto& [path, image] : sisters_) {
            if (image.id == blob ||
                std::ranges::find(image.layers, blob, &oci::Descriptor::digest) !=
                    image.layers.end()) {
                return path;
            }
        }
        return std::nullopt;
    }

    void send_layer(std::size_t index) {
        auto& layer = layers_[index];
        const auto from = mount_source(layer.digest);
        if (is_uncompressed(layer.media_type) && !goes_as_it_is(image_)) {
            layer = recompress(store_.content(), layer, image_.config.diff_ids.at(index), {});
            layer.media_type = oci::media_type::layer_gzip;
        }
        const Fd file = store_.content().open(layer.digest);
        std::int64_t last = 0;
        const auto size = static_cast<std::uint64_t>(layer.size);
        const auto placed = repository_.put_blob(layer, file, from, [&](std::uint64_t bytes) {
            reporter_.count({id_of(index), "Pushing", bytes, size}, last);
        });
        switch (placed) {
            case registry::Placed::was_there:
                return reporter_.tell({id_of(index), "Layer already exists"});
            case registry::Placed::mounted:
                return reporter_.tell({id_of(index), "Mounted from " + from.value_or("")});
            case registry::Placed::uploaded: return reporter_.tell({id_of(index), "Pushed"});
        }
    }

    Pushed send_manifest(const oci::Manifest& stored) {
        auto& content = store_.content();
        // Unchanged, it keeps its digest.
        std::string bytes = content.read(image_.manifest, oci::max_document_bytes);
        if (layers_ != stored.layers) {
            oci::Manifest manifest = stored;
            manifest.layers = layers_;
            bytes = manifest.to_json();
        }
        repository_.put_manifest(request_.name.tag, stored.media_type, bytes);
        const Pushed out{Digest::of(bytes), static_cast<std::int64_t>(bytes.size())};
        if (request_.target) return out;
        oci::Reference by_digest = request_.name;
        by_digest.tag.clear();
        by_digest.digest = out.digest;
        if (image_.is_form) {
            store_.record_form(image_.manifest, by_digest);
        } else {
            store_.record(image_.manifest, {by_digest});
        }
        return out;
    }

    Store& store_;
    const PushRequest& request_;
    Reporter reporter_;
    std::size_t uploads_;
    std::atomic<bool> stop_ = false;
    registry::Repository repository_;
    Image image_;
    Sisters sisters_;
    std::vector<oci::Descriptor> layers_;
};

}  // namespace

Pushed push(Store& store, const registry::Settings& settings, const PushRequest& request,
            const TransferProgress& progress, registry::Cancelled cancelled) {
    const content::Lease lease = store.content().lease();
    return Push(store, settings, request, progress, std::move(cancelled)).run();
}

std::vector<oci::Reference> local_tags(const Store& store, const oci::Reference& name) {
    std::vector<oci::Reference> out;
    for (const auto& image : store.list(true)) {
        for (const auto& tag : image.tags) {
            auto reference = oci::Reference::parse(tag);
            if (reference.name() == name.name()) out.push_back(std::move(reference));
        }
    }
    if (out.empty()) {
        throw Error(ErrorKind::not_found, "An image does not exist locally with the tag: {}",
                    name.familiar_name());
    }
    return out;
}

}  // namespace brig::image
