// Names, reading and making of images; removing is in remove.cpp.
#include "image/store.h"

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "image/store_state.h"
#include "oci/image_id.h"
#include "oci/manifest.h"

namespace brig::image {
namespace {

std::shared_ptr<const Image> by_prefix(const Records::Tables& tables, std::string_view text) {
    std::shared_ptr<const Image> found;
    for (const auto& [id, image] : tables.images) {
        if (!is_prefix_of(text, id)) continue;
        if (found) return nullptr;  // ambiguous, which docker calls not found
        found = image;
    }
    return found;
}

/// What a pull has brought or will bring, as far as its documents are there to say it.
void add_pull(const content::Store& content, const Digest& digest, Layers::Live& live) {
    try {
        live.blobs.insert(digest);
        const auto manifest = oci::parse_manifest(content.read(digest, oci::max_document_bytes));
        live.blobs.insert(manifest.config.digest);
        for (const auto& layer : manifest.layers) live.blobs.insert(layer.digest);
        const auto config =
            oci::ImageConfig::parse(content.read(manifest.config.digest, oci::max_document_bytes));
        for (const auto& chain : oci::chain_ids(config.diff_ids)) live.chains.insert(chain);
    } catch (const Error& e) {
        log::debug("pull of {}: {}", digest.str(), e.message());
    }
}

std::uint64_t total_size(const std::vector<Layer>& layers) {
    std::uint64_t out = 0;
    for (const auto& layer : layers) out += layer.size;
    return out;
}

}  // namespace

bool is_prefix_of(std::string_view text, const Digest& id) {
    if (!oci::looks_like_id(text)) return false;
    return text.starts_with("sha256:") ? id.str().starts_with(text) : id.hex().starts_with(text);
}

Store::Store(const Parts& parts) : state_(std::make_unique<State>(parts)) {
    state_->index.update(state_->records);
    collect();
}
Store::~Store() = default;

content::Store& Store::content() const { return state_->parts.content; }
snapshot::Snapshotter& Store::snapshots() const { return state_->parts.snapshots; }

std::shared_ptr<const Image> Store::State::resolve(std::string_view text) const {
    const auto& tables = records.tables();
    const auto name = oci::is_id_alone(text) || text.starts_with("sha256:")
                          ? std::nullopt
                          : std::optional(oci::Reference::parse(text).with_default_tag());
    if (name) {
        auto found = records.by_name(name->str());
        if (!found && name->digest && !name->tag.empty()) {
            oci::Reference digested = *name;  // name:tag@digest: the digest decides
            digested.tag.clear();
            found = records.by_name(digested.str());
        }
        if (found) return found;
        if (name->digest) {
            if (const auto image = tables.images.find(*name->digest);
                image != tables.images.end()) {
                return image->second;
            }
        }
    }
    if (auto image = by_prefix(tables, text)) return image;
    throw Error(ErrorKind::not_found, "No such image: {}",
                name ? name->familiar() : std::string(text));
}

void Store::State::note_use(const Digest& image) {
    if (parts.content.leases() > 0) in_use.insert(image);
}

const std::set<Digest>& Store::State::used_images() {
    if (parts.content.leases() == 0) in_use.clear();
    return in_use;
}

Image Store::resolve(std::string_view name_or_id) const {
    const std::scoped_lock lock(state_->mutex);
    const auto image = state_->resolve(name_or_id);
    state_->note_use(image->id);
    return state_->records.named(image);
}

std::optional<Image> Store::find(const Digest& id) const {
    const std::scoped_lock lock(state_->mutex);
    const auto& images = state_->records.tables().images;
    const auto found = images.find(id);
    if (found == images.end()) return std::nullopt;
    state_->note_use(id);
    return state_->records.named(found->second);
}

std::vector<Image> Store::list(bool all) const {
    const std::scoped_lock lock(state_->mutex);
    const auto& images = state_->records.tables().images;
    std::set<Digest> parents;
    for (const auto& [id, image] : images) {
        if (image->parent) parents.insert(*image->parent);
    }
    std::vector<Image> out;
    for (const auto& [id, image] : images) {
        Image named = state_->records.named(image);
        const bool intermediate =
            named.tags.empty() && named.digests.empty() && parents.contains(id);
        if (all || !intermediate) out.push_back(std::move(named));
    }
    std::ranges::stable_sort(out, [](const Image& a, const Image& b) {
        return a.config.created.value_or(Instant{}) > b.config.created.value_or(Instant{});
    });
    return out;
}

std::vector<Image> Store::children(const Digest& parent) const {
    const std::scoped_lock lock(state_->mutex);
    std::vector<Image> out;
    for (const auto& [id, image] : state_->records.tables().images) {
        if (image->parent == parent) out.push_back(state_->records.named(image));
    }
    return out;
}

std::vector<HistoryItem> Store::history(const Image& image) const {
    const std::vector<Layer> layers = layers_of(image);
    std::vector<HistoryItem> out;
    std::size_t layer = 0;
    for (const auto& entry : image.config.history) {
        HistoryItem item{.id = "<missing>", .entry = entry};
        if (!entry.empty_layer && layer < layers.size()) item.size = layers[layer++].size;
        out.insert(out.begin(), std::move(item));
    }
    std::optional<Image> at = image;
    for (auto& item : out) {
        item.id = at->id.str();
        item.tags = at->tags;
        at = at->parent ? find(*at->parent) : std::nullopt;
        if (!at) break;
    }
    return out;
}

std::string Store::raw_config(const Image& image) const {
    return content().read(image.id, oci::max_document_bytes);
}

std::vector<Layer> Store::layers_of(const Image& image) const {
    const std::scoped_lock lock(state_->mutex);
    std::vector<Layer> out;
    for (std::size_t i = 0; i < image.layers.size(); ++i) {
        const Digest& diff_id = image.config.diff_ids[i];
        out.push_back({diff_id, image.chain_ids[i], image.layers[i],
                       state_->records.layer_size(diff_id).value_or(0)});
    }
    return out;
}

void Store::keep(const Image& image) const {
    for (const auto& chain : image.chain_ids) state_->layers.hold(chain);
    std::vector<Digest> blobs{image.id, image.manifest};
    for (const auto& layer : image.layers) blobs.push_back(layer.digest);
    const auto is_there = [&](const Digest& blob) { return content().has(blob); };
    if (!std::ranges::all_of(blobs, is_there))
        throw Error(ErrorKind::not_found, "No such image: {}", image.id.str());
}

std::optional<std::string> Store::top_snapshot(const Image& image) {
    if (image.chain_ids.empty()) return std::nullopt;
    const std::string key = image.chain_ids.back().str();
    if (snapshots().stat(key)) return key;
    const content::Lease lease = content().lease();
    std::optional<Digest> parent;
    for (std::size_t i = 0; i < image.layers.size(); ++i) {
        parent = unpack(image.layers[i], parent, image.config.diff_ids[i]).chain_id;
    }
    return key;
}

void Store::tag(std::string_view source, std::string_view target) {
    const auto name = oci::Reference::parse(target).with_default_tag();
    if (name.digest) {
        throw Error(ErrorKind::invalid_argument,
                    "refusing to create a tag with a digest reference");
    }
    const std::scoped_lock lock(state_->mutex);
    const auto image = state_->resolve(source);
    std::optional<Records::Form> form;
    if (image->is_form) form = {image->manifest, image->layers};
    state_->records.set_name(name, image->id, form);
    state_->index.update(state_->records);
}

Layer Store::add_layer(archive::Source& blob, const std::optional<Digest>& parent_chain,
                       const std::optional<Digest>& expected) {
    Layer layer = state_->layers.add(blob, parent_chain, expected);
    state_->note_sizes({layer});
    return layer;
}

Layer Store::unpack(const oci::Descriptor& blob, const std::optional<Digest>& parent_chain,
                    const Digest& expected, const Unpacking& how) {
    const auto size = state_->layer_size(expected);
    Layer layer = state_->layers.unpack(blob, parent_chain, expected, how, size);
    if (!size) state_->note_sizes({layer});
    return layer;
}

Layer Store::commit_snapshot(const std::string& key, const std::optional<Digest>& parent_chain) {
    Layer layer = state_->layers.commit_snapshot(key, parent_chain);
    state_->note_sizes({layer});
    return layer;
}

Layer Store::copy_snapshot(const std::string& key, const std::optional<Digest>& parent_chain) {
    Layer layer = state_->layers.copy_snapshot(key, parent_chain);
    state_->note_sizes({layer});
    return layer;
}

std::optional<std::uint64_t> Store::State::layer_size(const Digest& diff_id) const {
    const std::scoped_lock lock(mutex);
    return records.layer_size(diff_id);
}

/// The first figure known of a layer stays: a layer found unpacked is only estimated.
void Store::State::note_sizes(const std::vector<Layer>& made) {
    const std::scoped_lock lock(mutex);
    for (const auto& layer : made) {
        if (!records.layer_size(layer.diff_id)) records.set_layer_size(layer.diff_id, layer.size);
    }
}

Image Store::create(NewImage image) {
    image.config.diff_ids.clear();
    oci::Manifest manifest{
        .config = {.media_type = std::string(oci::media_type::config), .digest = Digest::of("")}};
    for (const auto& layer : image.layers) {
        image.config.diff_ids.push_back(layer.diff_id);
        manifest.layers.push_back(layer.blob);
    }
    const content::Lease lease = content().lease();
    const std::string config = image.config.to_json();
    manifest.config.digest = content().put(config);
    manifest.config.size = static_cast<std::int64_t>(config.size());
    const Digest manifest_digest = content().put(manifest.to_json());
    if (image.durable) content().sync();

    const std::scoped_lock lock(state_->mutex);
    const auto& images = state_->records.tables().images;
    const auto known = images.find(manifest.config.digest);
    Image record =
        known != images.end() ? *known->second : read_image_documents(content(), manifest_digest);
    if (!record.parent) record.parent = image.parent;
    record.size = total_size(image.layers);
    state_->records.put(record, image.names, image.durable);
    if (!image.names.empty()) state_->index.update(state_->records);
    state_->note_use(record.id);
    return state_->records.named(images.at(record.id));
}

Image Store::record(const Digest& manifest, const std::vector<oci::Reference>& names) {
    const content::Lease lease = content().lease();
    Image image = read_image_documents(content(), manifest);
    std::vector<Layer> layers;
    std::optional<Digest> parent;
    for (std::size_t i = 0; i < image.layers.size(); ++i) {
        layers.push_back(unpack(image.layers[i], parent, image.config.diff_ids[i]));
        parent = layers.back().chain_id;
    }
    content().sync();

    const std::scoped_lock lock(state_->mutex);
    const auto& images = state_->records.tables().images;
    if (const auto known = images.find(image.id); known != images.end()) {
        image.parent = known->second->parent;
        image.stored = known->second->stored;
        image.last_tagged = known->second->last_tagged;
    }
    for (const auto& layer : layers) {
        image.size += state_->records.layer_size(layer.diff_id).value_or(layer.size);
    }
    state_->records.put(image, names, true);
    if (!names.empty()) state_->index.update(state_->records);
    return state_->records.named(images.at(image.id));
}

Image Store::record_form(const Digest& manifest, const oci::Reference& name) {
    const content::Lease lease = content().lease();
    const Image form = read_image_documents(content(), manifest);
    content().sync();
    const std::scoped_lock lock(state_->mutex);
    const auto& images = state_->records.tables().images;
    if (!images.contains(form.id))
        throw Error(ErrorKind::not_found, "No such image: {}", form.id.str());
    state_->records.set_name(name, form.id, Records::Form{manifest, form.layers});
    state_->index.update(state_->records);
    return state_->records.named(state_->records.by_name(name.str()));
}

void Store::begin_pull(const Digest& manifest) {
    const std::scoped_lock lock(state_->mutex);
    state_->records.begin_pull(manifest);
}

std::uint64_t Store::collect() {
    return state_->layers.collect([this] {
        Layers::Live live;
        const std::scoped_lock lock(state_->mutex);
        for (const auto& [id, image] : state_->records.tables().images) {
            live.blobs.insert(id);
            live.blobs.insert(image->manifest);
            for (const auto& layer : image->layers) live.blobs.insert(layer.digest);
            live.chains.insert(image->chain_ids.begin(), image->chain_ids.end());
        }
        for (const auto& [name, form] : state_->records.tables().forms) {
            live.blobs.insert(form.manifest);
            for (const auto& layer : form.layers) live.blobs.insert(layer.digest);
        }
        for (const auto& manifest : state_->records.pulls()) add_pull(content(), manifest, live);
        return live;
    });
}

}  // namespace brig::image
