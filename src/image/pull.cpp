// See pull.h. Layers come down side by side and are unpacked side by side, each as soon as it is
// there; they are put on top of each other in their order.
#include "image/pull.h"

#include <algorithm>

#include "base/error.h"
#include "oci/manifest.h"
#include "oci/runtime_defaults.h"

namespace brig::image {
namespace {

constexpr int max_index_depth = 2;
constexpr std::size_t short_id = 12;
/// Each inflates and hashes on one thread and, where a processor is free, writes on another.
constexpr std::size_t most_unpacked_at_once = 4;

std::string id_of(const oci::Descriptor& layer) {
    return std::string(layer.digest.hex().substr(0, short_id));
}

/// Docker's words for a registry's refusal.
Error translate(const registry::RegistryError& e, const oci::Reference& name) {
    if (e.code() == "DENIED" || (e.status() == 403 && e.code().empty())) {
        return {ErrorKind::not_found,
                "pull access denied for {}, repository does not exist or may require 'docker "
                "login': {}",
                name.familiar_name(), e.message()};
    }
    if (e.code() == "NAME_UNKNOWN") {
        return {ErrorKind::not_found, "repository {} not found: {}", name.familiar_name(),
                e.message()};
    }
    if (e.code() == "MANIFEST_UNKNOWN" || e.status() == 404) {
        return {ErrorKind::not_found, "manifest for {} not found: {}", name.familiar(),
                e.message()};
    }
    return {e.kind(), "{}", e.message()};
}

template <typename Work>
auto translated(const oci::Reference& name, Work work) {
    try {
        return work();
    } catch (const registry::RegistryError& e) {
        throw translate(e, name);
    }
}

bool is_image_config(std::string_view type) {
    return type.empty() || type == oci::media_type::config ||
           type == oci::media_type::docker_config ||
           type == "application/octet-stream";  // docker before 1.10
}

/// What to look for, in this order. A FreeBSD host runs Linux programs where there is no other
/// image.
std::vector<oci::Platform> wanted_platforms(const PullRequest& request) {
    if (request.platform) return {*request.platform};
    std::vector<oci::Platform> out{request.host};
    if (request.host.os == "freebsd") {
        out.push_back(request.host);
        out.back().os = "linux";
        out.back().os_version.clear();
    }
    return out;
}

const oci::Descriptor* choose(const oci::Index& index, const std::vector<oci::Platform>& wanted) {
    for (const auto& platform : wanted) {
        const oci::Descriptor* fits = nullptr;
        for (const auto& manifest : index.manifests) {
            if (!manifest.platform || manifest.platform->os == "unknown" ||
                !platform.accepts(*manifest.platform)) {
                continue;
            }
            if (manifest.platform->variant == platform.variant) return &manifest;
            if (fits == nullptr) fits = &manifest;
        }
        if (fits != nullptr) return fits;
    }
    return nullptr;
}

}  // namespace

Pull::Pull(Store& store, const registry::Settings& settings, PullRequest request,
           registry::Cancelled cancelled)
    : store_(store),
      request_(std::move(request)),
      flush_(store.content()),
      downloads_(settings.downloads),
      source_(
          settings, request_.there(), request_.credentials,
          [this, cancelled = std::move(cancelled)] { return stop_ || (cancelled && cancelled()); }),
      digest_(Digest::of("")),
      document_{{.media_type = {}, .digest = digest_}, {}},
      manifest_{.config = {.media_type = {}, .digest = digest_}} {
    translated(request_.name, [&] { find_manifest(); });
}

void Pull::find_manifest() {
    const auto& name = request_.name;
    document_ = source_.manifest(name.digest ? name.digest->str() : name.tag);
    digest_ = document_.descriptor.digest;
    const auto parsed =
        oci::parse_manifest_or_index(document_.bytes, document_.descriptor.media_type);
    if (const auto* index = std::get_if<oci::Index>(&parsed)) {
        choose_from(*index, 1);
    } else {
        manifest_ = std::get<oci::Manifest>(parsed);
    }
    if (!is_image_config(manifest_.config.media_type)) {
        throw Error(ErrorKind::invalid_argument, "{} is no image: unsupported media type {}",
                    name.familiar(), manifest_.config.media_type.substr(0, 100));
    }
}

void Pull::choose_from(const oci::Index& index, int depth) {
    const auto wanted = wanted_platforms(request_);
    const auto* chosen = choose(index, wanted);
    if (chosen == nullptr) {
        throw Error(ErrorKind::not_found,
                    "no matching manifest for {} in the manifest list entries",
                    wanted.front().str());
    }
    document_ = source_.manifest(*chosen);
    const auto parsed =
        oci::parse_manifest_or_index(document_.bytes, document_.descriptor.media_type);
    if (const auto* nested = std::get_if<oci::Index>(&parsed)) {
        if (depth >= max_index_depth)
            throw Error(ErrorKind::invalid_argument, "indexes are nested too deeply");
        return choose_from(*nested, depth + 1);
    }
    manifest_ = std::get<oci::Manifest>(parsed);
}

/// Its tag, and the digest of what was asked for.
std::vector<oci::Reference> Pull::names() const {
    oci::Reference by_digest = request_.name;
    by_digest.tag.clear();
    by_digest.digest = digest_;
    if (request_.name.digest) return {by_digest};
    // The digest is of a repository that has another name.
    if (request_.source) return {request_.name};
    return {request_.name, by_digest};
}

bool Pull::has_layer(const oci::Descriptor& layer, const Digest& chain) const {
    return store_.content().size(layer.digest) == static_cast<std::uint64_t>(layer.size) &&
           store_.snapshots().stat(chain.str()).has_value();
}

/// The image, when it is here under the same names, and these stand for no other form of it.
std::optional<Image> Pull::already_there() {
    const auto image = store_.find(manifest_.config.digest);
    if (!image) return std::nullopt;
    for (const auto& name : names()) {
        const auto& shown = name.digest ? image->digests : image->tags;
        if (std::ranges::find(shown, name.familiar()) == shown.end()) return std::nullopt;
        const auto named = store_.resolve(name.familiar());
        if (named.is_form && named.manifest != document_.descriptor.digest) return std::nullopt;
    }
    return image;
}

oci::ImageConfig Pull::fetch_config() {
    auto& content = store_.content();
    const auto& config = manifest_.config;
    if (config.size > static_cast<std::int64_t>(oci::max_document_bytes)) {
        throw Error(ErrorKind::invalid_argument, "{}: configuration of {} bytes is too large",
                    request_.name.familiar(), config.size);
    }
    if (!content.has(config.digest)) source_.fetch_blob(config, content, {});
    auto parsed = oci::ImageConfig::parse(content.read(config.digest, oci::max_document_bytes));
    if (parsed.diff_ids.size() != manifest_.layers.size()) {
        throw Error(ErrorKind::invalid_argument,
                    "{}: manifest has {} layers, but its configuration names {}",
                    request_.name.familiar(), manifest_.layers.size(), parsed.diff_ids.size());
    }
    if (request_.platform && !request_.platform->accepts(parsed.platform)) {
        throw Error(ErrorKind::not_found,
                    "image with reference {} was found but does not match the specified platform: "
                    "wanted {}, actual: {}",
                    request_.name.familiar(), request_.platform->str(), parsed.platform.str());
    }
    return parsed;
}

/// Tells and has flushed what has been read of a layer's blob.
Counter Pull::counter(const oci::Descriptor& layer, const char* status, Reporter& reporter) {
    const auto size = static_cast<std::uint64_t>(layer.size);
    return [this, &reporter, event = TransferEvent{id_of(layer), status, 0, size},
            last = std::int64_t{0}](std::uint64_t bytes) mutable {
        // A download that starts over counts from the beginning.
        if (bytes > event.current) flush_.wrote(bytes - event.current);
        event.current = bytes;
        reporter.count(event, last);
    };
}

void Pull::fetch_layer(std::size_t index, Reporter& reporter) {
    const auto& layer = manifest_.layers[index];
    auto& content = store_.content();
    if (content.size(layer.digest) != static_cast<std::uint64_t>(layer.size)) {
        source_.fetch_blob(layer, content, counter(layer, "Downloading", reporter));
        reporter.tell({id_of(layer), "Verifying Checksum"});
    }
    if (!complete_[index]) reporter.tell({id_of(layer), "Download complete"});
}

void Pull::unpack_layer(std::size_t index, const std::optional<Digest>& parent,
                        const Digest& diff_id, Reporter& reporter,
                        const std::function<void()>& parent_there) {
    const auto& layer = manifest_.layers[index];
    if (complete_[index]) {
        // A prune may have taken it since, and its parent too.
        store_.unpack(layer, parent, diff_id, {{}, parent_there});
        return;
    }
    store_.unpack(layer, parent, diff_id, {counter(layer, "Extracting", reporter), parent_there});
    const auto size = static_cast<std::uint64_t>(layer.size);
    reporter.tell({id_of(layer), "Extracting", size, size});
    reporter.tell({id_of(layer), "Pull complete"});
}

/// Nobody is to wonder why a program does not run, or runs as a guest.
void Pull::note_platform(const oci::Platform& got, Reporter& reporter) const {
    if (request_.platform || request_.host.accepts(got)) return;
    reporter.tell({"", fmt::format("Note: there is no image for {}, this one is for {}",
                                   request_.host.str(), got.str())});
}

void Pull::bring_layers(const oci::ImageConfig& config, Reporter& reporter) {
    const auto chains = oci::chain_ids(config.diff_ids);
    const auto& layers = manifest_.layers;
    complete_.clear();
    for (std::size_t i = 0; i < layers.size(); ++i) {
        complete_.push_back(has_layer(layers[i], chains[i]));
        reporter.tell({id_of(layers[i]), complete_[i] ? "Already exists" : "Pulling fs layer"});
    }
    const auto unpack = [&](std::size_t i, Transfers& transfers) {
        if (i == 0) return unpack_layer(i, {}, config.diff_ids[i], reporter, {});
        unpack_layer(i, chains[i - 1], config.diff_ids[i], reporter,
                     [&transfers, i] { transfers.wait(i - 1); });
    };
    Transfers transfers(layers.size(),
                        {{downloads_, [&](std::size_t i) { fetch_layer(i, reporter); }},
                         {most_unpacked_at_once, [&](std::size_t i) { unpack(i, transfers); }}},
                        stop_);
    for (std::size_t i = 0; i < layers.size(); ++i) transfers.wait(i);
}

Image Pull::run(const TransferProgress& progress) {
    Reporter reporter(progress);
    return translated(request_.name, [&] {
        // Whatever is stored from here on stays until the row is written.
        const content::Lease lease = store_.content().lease();
        if (const auto image = already_there()) {
            was_there_ = true;
            return *image;
        }
        store_.content().put(document_.bytes);
        store_.begin_pull(document_.descriptor.digest);
        const auto config = fetch_config();
        note_platform(config.platform, reporter);
        bring_layers(config, reporter);
        return store_.record(document_.descriptor.digest, names());
    });
}

std::vector<std::string> remote_tags(const registry::Settings& settings,
                                     const PullRequest& request) {
    registry::Repository repository(settings, request.there(), request.credentials,
                                    registry::Access::pull);
    return translated(request.name, [&] { return repository.tags(); });
}

}  // namespace brig::image
