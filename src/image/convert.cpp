// See convert.h.
#include "image/convert.h"

#include <algorithm>
#include <array>
#include <thread>

#include "archive/compress.h"
#include "base/error.h"
#include "oci/manifest.h"

namespace brig::image {
namespace {

using archive::Compression;

constexpr std::size_t short_id = 12;
constexpr unsigned most_threads = 4;

/// What a layer's media type says.
struct Kind {
    std::string_view type;
    Compression compression;
    bool oci;
};
constexpr std::array kinds{Kind{oci::media_type::layer, Compression::none, true},
                           Kind{oci::media_type::layer_gzip, Compression::gzip, true},
                           Kind{oci::media_type::layer_zstd, Compression::zstd, true},
                           Kind{oci::media_type::docker_layer, Compression::none, false},
                           Kind{oci::media_type::docker_layer_gzip, Compression::gzip, false}};

const Kind& kind_of(const oci::Descriptor& layer) {
    const auto found = std::ranges::find(kinds, layer.media_type, &Kind::type);
    if (found == kinds.end()) {
        throw Error(ErrorKind::invalid_argument, "layers of type {} cannot be converted",
                    layer.media_type.substr(0, 100));
    }
    return *found;
}

std::string_view type_of(Compression compression, bool oci) {
    const auto found = std::ranges::find_if(kinds, [&](const Kind& kind) {
        return kind.compression == compression && kind.oci == oci;
    });
    return found->type;
}

class Conversion {
public:
    Conversion(Store& store, const ConvertRequest& request, const TransferProgress& progress)
        : store_(store),
          request_(request),
          reporter_(progress),
          image_(store.resolve(request.source)),
          manifest_(
              oci::parse_manifest(store.content().read(image_.manifest, oci::max_document_bytes))) {
        store.keep(image_);
        oci_ = request.oci || request.compression == Compression::zstd ||
               oci::media_type::docker_manifest != manifest_.media_type;
        // What cannot be converted is said before anything is.
        for (const auto& layer : manifest_.layers) (void)kind_of(layer);
        if (request.compression) archive::make_compressor(*request.compression, {}, request.level);
    }

    Image run() {
        const auto count = manifest_.layers.size();
        std::atomic<bool> stop = false;
        {
            const auto threads = std::clamp(std::thread::hardware_concurrency(), 1U, most_threads);
            Transfers layers(count, {{threads, [this](std::size_t i) { convert_layer(i); }}}, stop);
            for (std::size_t i = 0; i < count; ++i) layers.wait(i);
        }
        if (oci_) {
            manifest_.media_type = oci::media_type::manifest;
            manifest_.config.media_type = oci::media_type::config;
        }
        return store_.record_form(store_.content().put(manifest_.to_json()), request_.target);
    }

private:
    void convert_layer(std::size_t index) {
        auto& layer = manifest_.layers[index];
        const auto& diff_id = image_.config.diff_ids.at(index);
        const TransferEvent event{std::string(diff_id.hex().substr(0, short_id)), "Converting"};
        const auto is = kind_of(layer).compression;
        const auto wanted = request_.compression.value_or(is);
        if (is != wanted || request_.level) {
            reporter_.tell(event);
            layer = recompress(store_.content(), layer, diff_id, {wanted, request_.level});
        }
        layer.media_type = type_of(wanted, oci_);
        reporter_.tell({event.id, "Converted"});
    }

    Store& store_;
    const ConvertRequest& request_;
    Reporter reporter_;
    Image image_;
    oci::Manifest manifest_;
    bool oci_ = false;
};

}  // namespace

oci::Descriptor recompress(content::Store& content, const oci::Descriptor& layer,
                           const Digest& diff_id, const Recompression& how) {
    content::Ingest ingest = content.begin();
    const auto compressor = archive::make_compressor(
        how.compression, [&](std::span<const std::byte> data) { ingest.write(data); }, how.level);
    const Fd file = content.open(layer.digest);
    archive::HashingSource tar(archive::decompress(archive::from_fd(file.get())));
    for (auto chunk = tar.next(); !chunk.empty(); chunk = tar.next()) compressor->write(chunk);
    compressor->finish();
    if (tar.finish() != diff_id) {
        throw Error(ErrorKind::internal, "blob {} is not the layer {} any more", layer.digest.str(),
                    diff_id.str());
    }
    const auto size = static_cast<std::int64_t>(ingest.size());
    return {.media_type = {}, .digest = ingest.commit(), .size = size};
}

Image convert(Store& store, const ConvertRequest& request, const TransferProgress& progress) {
    if (request.target.digest)
        throw Error(ErrorKind::invalid_argument, "an image cannot be converted to a digest");
    const content::Lease lease = store.content().lease();
    return Conversion(store, request, progress).run();
}

}  // namespace brig::image
