// The image tables in memory and in SQLite, kept equal: a change is a transaction first and becomes
// visible when that has committed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "image/sqlite.h"
#include "image/store.h"

namespace brig::image {

/// Not thread-safe.
class Records {
public:
    /// What a name stands for that is another form of its image: other blobs, the same layers.
    struct Form {
        Digest manifest;
        std::vector<oci::Descriptor> layers;
    };
    struct Tables {
        std::map<Digest, std::shared_ptr<const Image>> images;  // without names
        std::map<std::string, Digest> names;                    // full reference → image
        std::map<std::string, Form> forms;                      // of some of these names
    };

    /// Reads the tables. Rows whose blobs are gone or damaged, and those of an earlier boot that
    /// were never flushed, are dropped.
    Records(const std::filesystem::path& database, const content::Store& content);

    [[nodiscard]] const Tables& tables() const { return tables_; }

    /// Adds or refreshes an image. `flushed`: everything stored so far is on disk.
    void put(const Image& image, const std::vector<oci::Reference>& names, bool flushed);
    /// `form`: what the name stands for where that is not the image's own manifest.
    void set_name(const oci::Reference& name, const Digest& image,
                  const std::optional<Form>& form = {});
    /// The image as `name` has it.
    [[nodiscard]] std::shared_ptr<const Image> by_name(const std::string& name) const;
    /// Takes out names and images at once.
    void erase(const std::vector<std::string>& names, const std::vector<Digest>& images);

    /// Bytes of files in a layer, when it was unpacked here before.
    [[nodiscard]] std::optional<std::uint64_t> layer_size(const Digest& diff_id) const;
    void set_layer_size(const Digest& diff_id, std::uint64_t size);

    /// What a manifest that is in the content store needs stays for a day, until `put` or
    /// `forget_pulls`; see pulls().
    void begin_pull(const Digest& manifest);
    void forget_pulls();
    [[nodiscard]] std::vector<Digest> pulls() const;

    /// A copy with tags and digests filled in.
    [[nodiscard]] Image named(const std::shared_ptr<const Image>& image) const;
    [[nodiscard]] std::vector<oci::Reference> names_of(const Digest& image) const;

private:
    void load();
    void load_images();
    void load_layer_sizes();
    void load_forms();
    void load_pulls();
    void write_layer_size(const Digest& diff_id);
    [[nodiscard]] std::shared_ptr<const Image> read_image(sqlite::Statement& row) const;
    void write_name(const std::string& name, const Digest& image, Instant when,
                    const std::optional<Form>& form = {});
    void forget_form(const std::string& name);
    void keep_name(const std::string& name, const Digest& image, const std::optional<Form>& form);

    sqlite::Database database_;
    const content::Store& content_;
    std::string boot_;
    Tables tables_;
    std::map<Digest, std::uint64_t> layer_sizes_;
    std::map<Digest, Instant> pulls_;
};

/// Reads manifest and configuration of an image from the content store: everything of Image that
/// follows from them. Throws Error{invalid_argument} where they contradict each other.
Image read_image_documents(const content::Store& content, const Digest& manifest);

}  // namespace brig::image
