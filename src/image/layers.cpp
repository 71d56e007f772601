// See layers.h.
#include "image/layers.h"

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "archive/path_cursor.h"
#include "base/defer.h"
#include "base/error.h"
#include "base/log.h"
#include "base/random.h"
#include "oci/runtime_defaults.h"

namespace brig::image {
namespace {

/// Keys of snapshots being filled; what a crash leaves of them is removed at start.
constexpr std::string_view unpack_prefix = "unpack-";

std::optional<std::string> key_of(const std::optional<Digest>& chain) {
    return chain ? std::optional(chain->str()) : std::nullopt;
}

/// Stores what passes through as a blob.
class StoringSource : public archive::Source {
public:
    StoringSource(std::unique_ptr<archive::Source> source, content::Ingest& ingest)
        : source_(std::move(source)), ingest_(ingest) {}

    std::span<const std::byte> next() override {
        const auto chunk = source_->next();
        ingest_.write(chunk);
        return chunk;
    }

private:
    std::unique_ptr<archive::Source> source_;
    content::Ingest& ingest_;
};

std::string media_type_of(archive::Compression compression) {
    switch (compression) {
        case archive::Compression::gzip: return std::string(oci::media_type::layer_gzip);
        case archive::Compression::zstd: return std::string(oci::media_type::layer_zstd);
        default: return std::string(oci::media_type::layer);
    }
}

/// A borrowed source where an owned one is wanted.
class Borrowed : public archive::Source {
public:
    explicit Borrowed(archive::Source& source) : source_(source) {}
    std::span<const std::byte> next() override { return source_.next(); }

private:
    archive::Source& source_;
};

/// A blob that tells how far it has been read.
class CountedSource : public archive::Source {
public:
    CountedSource(int fd, const Counter& count) : source_(archive::from_fd(fd)), count_(count) {}
    std::span<const std::byte> next() override {
        const auto chunk = source_->next();
        bytes_ += chunk.size();
        if (count_) count_(bytes_);
        return chunk;
    }

private:
    std::unique_ptr<archive::Source> source_;
    const Counter& count_;
    std::uint64_t bytes_ = 0;
};

void check_diff_id(const Digest& got, const std::optional<Digest>& expected) {
    if (expected && got != *expected) {
        throw Error(ErrorKind::invalid_argument, "layer has diff ID {}, its configuration says {}",
                    got.str(), expected->str());
    }
}

/// Unpacks while the next megabyte is being inflated and hashed.
archive::Applied apply_ahead(archive::Source& tar, const archive::LayerTree& tree) {
    const auto ahead = archive::on_own_thread(tar);
    return archive::apply_tar(*ahead, tree);
}

/// From here on a second and a third thread are worth their start, where there are processors.
constexpr std::int64_t medium_blob = 256 << 10;
constexpr std::int64_t large_blob = 4 << 20;

/// With `processors` to use: layers that are unpacked beside this one have theirs.
archive::Applied apply_blob(std::unique_ptr<archive::Source> file, const oci::Descriptor& blob,
                            const archive::LayerTree& tree, const Digest& expected,
                            unsigned processors) {
    // An uncompressed blob that is named by its diff ID was hashed when it was stored.
    if (blob.media_type == oci::media_type::layer && blob.digest == expected) {
        return archive::apply_tar(*file, tree);
    }
    const auto inflated = archive::decompress(std::move(file));
    const bool alone = blob.size >= large_blob && processors > 2;
    archive::HashingSource tar(alone ? archive::on_own_thread(*inflated)
                                     : std::make_unique<Borrowed>(*inflated));
    const bool ahead = blob.size >= medium_blob && processors > 1;
    const auto applied = ahead ? apply_ahead(tar, tree) : archive::apply_tar(tar, tree);
    check_diff_id(tar.finish(), expected);
    return applied;
}

}  // namespace

Layers::Layers(content::Store& content, snapshot::Snapshotter& snapshots)
    : content_(content), snapshots_(snapshots) {
    remove_stale();
}

void Layers::remove_stale() {
    for (const auto& info : snapshots_.list()) {
        if (info.key.starts_with(unpack_prefix)) discard(info.key);
    }
}

void Layers::discard(const std::string& key) noexcept {
    try {
        if (snapshots_.stat(key)) snapshots_.remove(key);
    } catch (const std::exception& e) {
        log::warn("cannot remove snapshot {}: {}", key, e.what());
    }
}

bool Layers::hold(const Digest& chain) {
    const std::scoped_lock lock(mutex_);
    held_.insert(chain);
    return snapshots_.stat(chain.str()).has_value();
}

/// Another thread may have been faster: then its snapshot is as good as ours.
void Layers::commit_as(const Digest& chain, const std::string& key) {
    try {
        snapshots_.commit(chain.str(), key);
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::already_exists) throw;
        snapshots_.remove(key);
    }
}

std::uint64_t Layers::size_of(const Digest& chain) { return snapshots_.usage(chain.str()).bytes; }

archive::Lowers Layers::lowers_when_there(const Digest& parent, const std::function<void()>& wait) {
    return archive::Lowers([this, &parent, &wait] {
        wait();
        auto tree = snapshots_.tree(parent.str());
        auto below = std::move(tree.lowers).take();
        below.insert(below.begin(), std::move(tree.root));
        return below;
    });
}

void Layers::put_on_top(const std::string& key, const archive::LayerTree& tree,
                        const Digest& parent, const archive::Applied& applied) {
    const auto& below = tree.lowers.layers();
    // A layer that says nothing of its root leaves it as it was.
    if (!applied.root) archive::copy_attributes(below.front().get(), ".", tree.root.get(), ".");
    snapshots_.rebase(key, parent.str());
}

/// The parent is waited for when a layer needs to look into it, which is rare: most have all
/// directories that they have something in.
Layer Layers::unpack(const oci::Descriptor& blob, const std::optional<Digest>& parent,
                     const Digest& expected, const Unpacking& how,
                     std::optional<std::uint64_t> size) {
    const Digest chain = oci::chain_id(parent, expected);
    if (hold(chain)) return {expected, chain, blob, size ? *size : size_of(chain)};
    const Fd file = content_.open(blob.digest);
    const std::string key = std::string(unpack_prefix) + random_hex(8);
    const bool beside = parent && how.parent_there && snapshots_.can_rebase();
    if (!beside && how.parent_there) how.parent_there();
    snapshots_.prepare(key, beside ? std::nullopt : key_of(parent));
    Defer undo([&] { discard(key); });
    auto tree = snapshots_.tree(key);
    if (beside) tree.lowers = lowers_when_there(*parent, how.parent_there);
    const unsigned others = unpacking_++;
    const Defer done([&] { --unpacking_; });
    const unsigned all = std::thread::hardware_concurrency();
    const auto applied = apply_blob(std::make_unique<CountedSource>(file.get(), how.read), blob,
                                    tree, expected, all - std::min(all, others));
    if (beside) put_on_top(key, tree, *parent, applied);
    commit_as(chain, key);
    undo.dismiss();
    return {expected, chain, blob, applied.bytes};
}

Layer Layers::add(archive::Source& blob, const std::optional<Digest>& parent,
                  const std::optional<Digest>& expected) {
    content::Ingest ingest = content_.begin();
    auto peeked = archive::peek(std::make_unique<Borrowed>(blob));
    const auto compression = archive::detect(peeked.head);
    auto whole = std::move(peeked.whole);
    // What may not be a layer as it is becomes one uncompressed.
    if (!archive::is_layer_compression(compression)) whole = archive::decompress(std::move(whole));
    StoringSource stored(std::move(whole), ingest);
    archive::HashingSource tar(archive::decompress(std::make_unique<Borrowed>(stored)));
    const std::string key = std::string(unpack_prefix) + random_hex(8);
    snapshots_.prepare(key, key_of(parent));
    Defer undo([&] { discard(key); });
    const auto applied = apply_ahead(tar, snapshots_.tree(key));
    const Digest diff_id = tar.finish();
    check_diff_id(diff_id, expected);
    while (!stored.next().empty()) {
    }
    const auto size = static_cast<std::int64_t>(ingest.size());
    const oci::Descriptor descriptor{
        .media_type = media_type_of(compression), .digest = ingest.commit(), .size = size};
    const Digest chain = oci::chain_id(parent, diff_id);
    hold(chain);
    commit_as(chain, key);
    undo.dismiss();
    return {diff_id, chain, descriptor, applied.bytes};
}

/// Stored uncompressed: the blob is written once and read by nobody until it is saved or pushed.
Layer Layers::write_blob(const std::string& key, const std::optional<Digest>& parent) {
    content::Ingest ingest = content_.begin();
    const auto written = archive::write_layer(
        snapshots_.tree(key), [&](std::span<const std::byte> data) { ingest.write(data); },
        oci::default_mount_points());
    const auto size = static_cast<std::int64_t>(ingest.size());
    const Digest diff_id = ingest.commit();
    const Digest chain = oci::chain_id(parent, diff_id);
    hold(chain);
    return {diff_id,
            chain,
            {.media_type = std::string(oci::media_type::layer), .digest = diff_id, .size = size},
            written.bytes};
}

Layer Layers::commit_snapshot(const std::string& key, const std::optional<Digest>& parent) {
    Layer layer = write_blob(key, parent);
    commit_as(layer.chain_id, key);
    return layer;
}

Layer Layers::copy_snapshot(const std::string& key, const std::optional<Digest>& parent) {
    const Layer layer = write_blob(key, parent);
    Layer unpacked = unpack(layer.blob, parent, layer.diff_id, {}, layer.size);
    unpacked.size = layer.size;
    return unpacked;
}

std::uint64_t Layers::collect(const std::function<Live()>& live) {
    const std::scoped_lock lock(mutex_);
    // Keeps what others touch from now on, even if their own leases end before the blobs' turn.
    const content::Lease lease = content_.lease();
    if (content_.leases() == 1) held_.clear();
    const Live needed = live();
    remove_dead_snapshots(needed.chains);
    return content_.collect(needed.blobs);
}

/// Children go before their parents; a layer that a container still stands on stays.
void Layers::remove_dead_snapshots(const std::set<Digest>& chains) {
    const auto is_live = [&](const std::string& key) {
        const Digest chain = Digest::parse(key);
        return chains.contains(chain) || held_.contains(chain);
    };
    for (bool removed = true; std::exchange(removed, false);) {
        std::set<std::string> parents;
        const auto all = snapshots_.list();
        for (const auto& info : all) {
            if (info.parent) parents.insert(*info.parent);
        }
        for (const auto& info : all) {
            const bool is_layer =
                info.kind == snapshot::Kind::committed && info.key.starts_with("sha256:");
            if (!is_layer || parents.contains(info.key) || is_live(info.key)) continue;
            try {
                snapshots_.remove(info.key);
                removed = true;
            } catch (const Error& e) {
                // A container may have been made on it since the list was taken.
                log::debug("keep snapshot {}: {}", info.key, e.message());
            }
        }
    }
}

}  // namespace brig::image
