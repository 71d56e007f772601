// `docker pull`: an image from a registry.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "image/early_flush.h"
#include "image/store.h"
#include "image/transfers.h"
#include "oci/manifest.h"
#include "registry/source.h"

namespace brig::image {

struct PullRequest {
    oci::Reference name;                    ///< with a tag or a digest
    std::optional<oci::Platform> platform;  ///< absent: what runs on this host
    registry::Credentials credentials;
    /// Where it is called differently: the name there.
    std::optional<oci::Reference> source = {};

    oci::Platform host = oci::Platform::host();  ///< what runs here; another one in tests

    [[nodiscard]] const oci::Reference& there() const { return source ? *source : name; }
};

/// One pull. Nothing is used before its digest has been checked; the image is visible when all of
/// it is on disk, and what a pull that dies leaves is there for the next try (Store::begin_pull).
class Pull {
public:
    /// Finds the manifest. Throws Error in docker's words: not_found "manifest for X not found: …",
    /// "pull access denied for X, …".
    Pull(Store& store, const registry::Settings& settings, PullRequest request,
         registry::Cancelled cancelled = {});
    Pull(const Pull&) = delete;
    Pull& operator=(const Pull&) = delete;

    /// What the name stands for: an image's manifest or an index of several.
    [[nodiscard]] const Digest& digest() const { return digest_; }
    /// Brings in what is missing and gives the image its name.
    Image run(const TransferProgress& progress);
    /// Whether run() found nothing to do.
    [[nodiscard]] bool was_there() const { return was_there_; }

private:
    void find_manifest();
    void choose_from(const oci::Index& index, int depth);
    [[nodiscard]] std::vector<oci::Reference> names() const;
    std::optional<Image> already_there();
    oci::ImageConfig fetch_config();
    Counter counter(const oci::Descriptor& layer, const char* status, Reporter& reporter);
    void fetch_layer(std::size_t index, Reporter& reporter);
    void unpack_layer(std::size_t index, const std::optional<Digest>& parent, const Digest& diff_id,
                      Reporter& reporter, const std::function<void()>& parent_there);
    void note_platform(const oci::Platform& got, Reporter& reporter) const;
    void bring_layers(const oci::ImageConfig& config, Reporter& reporter);
    [[nodiscard]] bool has_layer(const oci::Descriptor& layer, const Digest& chain) const;

    Store& store_;
    PullRequest request_;
    std::atomic<bool> stop_ = false;
    EarlyFlush flush_;
    std::size_t downloads_;
    registry::Source source_;
    Digest digest_;
    registry::Document document_;
    oci::Manifest manifest_;
    std::vector<bool> complete_;  ///< layers that are there, unpacked too
    bool was_there_ = false;
};

/// All tags of a repository, for `pull --all-tags`; errors as Pull's.
std::vector<std::string> remote_tags(const registry::Settings& settings,
                                     const PullRequest& request);

}  // namespace brig::image
