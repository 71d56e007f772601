// See records.h.
#include "image/records.h"

#include "base/error.h"
#include "base/log.h"
#include "oci/manifest.h"
#include "os/storage.h"

namespace brig::image {
namespace {

constexpr const char* schema = R"(
CREATE TABLE images(
    id TEXT PRIMARY KEY,
    manifest TEXT NOT NULL,
    parent TEXT,
    size INTEGER NOT NULL,
    stored INTEGER NOT NULL,
    last_tagged INTEGER,
    unflushed_since_boot TEXT
);
CREATE TABLE image_names(name TEXT PRIMARY KEY, image TEXT NOT NULL);
CREATE INDEX image_names_by_image ON image_names(image);
CREATE TABLE layer_sizes(diff_id TEXT PRIMARY KEY, size INTEGER NOT NULL);
)";

constexpr const char* forms_schema =
    "CREATE TABLE image_forms(name TEXT PRIMARY KEY, manifest TEXT NOT NULL);";

/// Pulls that are under way or ended early. A row is of use in one boot only: what it stands for is
/// not flushed.
constexpr const char* pulls_schema =
    "CREATE TABLE pulls(manifest TEXT PRIMARY KEY, begun INTEGER NOT NULL, boot TEXT NOT NULL);";
constexpr std::chrono::hours pulls_last{24};

/// Tidying that can wait for another start: this one has to succeed on a full disk.
template <typename Action>
void when_possible(const Action& action) {
    try {
        action();
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::unavailable) throw;
        log::warn("tidying up waits for the next start: {}", e.message());
    }
}

std::int64_t to_integer(Instant instant) { return instant.time_since_epoch().count(); }
Instant from_integer(std::int64_t value) { return Instant(std::chrono::nanoseconds(value)); }

}  // namespace

Image read_image_documents(const content::Store& content, const Digest& manifest_digest) {
    const auto manifest =
        oci::parse_manifest(content.read(manifest_digest, oci::max_document_bytes));
    const auto config =
        oci::ImageConfig::parse(content.read(manifest.config.digest, oci::max_document_bytes));
    if (config.diff_ids.size() != manifest.layers.size()) {
        throw Error(ErrorKind::invalid_argument,
                    "image {} has {} layers, but its configuration names {}",
                    manifest.config.digest.str(), manifest.layers.size(), config.diff_ids.size());
    }
    return {.id = manifest.config.digest,
            .manifest = manifest_digest,
            .config = config,
            .layers = manifest.layers,
            .chain_ids = oci::chain_ids(config.diff_ids),
            .stored = now()};
}

Records::Records(const std::filesystem::path& database, const content::Store& content)
    : database_(database), content_(content), boot_(os::boot_identity()) {
    database_.migrate("images", {schema, forms_schema, pulls_schema});
    load();
}

void Records::load() {
    when_possible([&] {
        database_
            .prepare(
                "DELETE FROM images WHERE unflushed_since_boot IS NOT NULL AND "
                "unflushed_since_boot <> ?")
            .bind(1, std::string_view(boot_))
            .run();
    });
    load_images();
    auto names = database_.prepare("SELECT name, image FROM image_names");
    std::vector<std::string> dangling;
    while (names.next()) {
        const Digest image = Digest::parse(names.text(1));
        if (tables_.images.contains(image)) {
            tables_.names.emplace(names.text(0), image);
        } else {
            dangling.push_back(names.text(0));
        }
    }
    when_possible([&] { erase(dangling, {}); });
    load_forms();
    load_layer_sizes();
    load_pulls();
}

/// Where one is lost, the name stands for the image's own blobs.
void Records::load_forms() {
    auto rows = database_.prepare("SELECT name, manifest FROM image_forms");
    while (rows.next()) {
        const auto name = tables_.names.find(rows.text(0));
        if (name == tables_.names.end()) continue;
        try {
            const auto image = read_image_documents(content_, Digest::parse(rows.text(1)));
            if (image.id == name->second)
                tables_.forms.emplace(name->first, Form{image.manifest, image.layers});
        } catch (const Error& e) {
            log::warn("{} is not what it was converted to any more: {}", name->first, e.message());
        }
    }
}

/// Those of layers no image has any more are forgotten.
void Records::load_layer_sizes() {
    std::set<Digest> used;
    for (const auto& [id, image] : tables_.images) {
        used.insert(image->config.diff_ids.begin(), image->config.diff_ids.end());
    }
    std::vector<std::string> unused;
    auto sizes = database_.prepare("SELECT diff_id, size FROM layer_sizes");
    while (sizes.next()) {
        const Digest diff_id = Digest::parse(sizes.text(0));
        if (used.contains(diff_id)) {
            layer_sizes_.emplace(diff_id, static_cast<std::uint64_t>(sizes.integer(1)));
        } else {
            unused.push_back(diff_id.str());
        }
    }
    when_possible([&] {
        for (const auto& diff_id : unused) {
            database_.prepare("DELETE FROM layer_sizes WHERE diff_id = ?")
                .bind(1, std::string_view(diff_id))
                .run();
        }
    });
}

void Records::load_pulls() {
    const std::int64_t first = to_integer(now() - pulls_last);
    when_possible([&] {
        database_.prepare("DELETE FROM pulls WHERE boot <> ?1 OR begun < ?2")
            .bind(1, std::string_view(boot_))
            .bind(2, first)
            .run();
    });
    auto rows =
        database_.prepare("SELECT manifest, begun FROM pulls WHERE boot = ?1 AND begun >= ?2");
    rows.bind(1, std::string_view(boot_)).bind(2, first);
    while (rows.next()) pulls_.emplace(Digest::parse(rows.text(0)), from_integer(rows.integer(1)));
}

void Records::begin_pull(const Digest& manifest) {
    const Instant when = now();
    database_.prepare("INSERT OR REPLACE INTO pulls VALUES(?, ?, ?)")
        .bind(1, std::string_view(manifest.str()))
        .bind(2, to_integer(when))
        .bind(3, std::string_view(boot_))
        .run();
    pulls_.insert_or_assign(manifest, when);
}

void Records::forget_pulls() {
    if (pulls_.empty()) return;
    database_.execute("DELETE FROM pulls");
    pulls_.clear();
}

std::vector<Digest> Records::pulls() const {
    std::vector<Digest> out;
    for (const auto& [manifest, begun] : pulls_) {
        if (begun > now() - pulls_last) out.push_back(manifest);
    }
    return out;
}

void Records::load_images() {
    auto rows = database_.prepare(
        "SELECT id, manifest, parent, size, stored, last_tagged FROM images "
        "WHERE unflushed_since_boot IS NULL OR unflushed_since_boot = ?");
    rows.bind(1, std::string_view(boot_));
    std::vector<Digest> lost;
    while (rows.next()) {
        const Digest id = Digest::parse(rows.text(0));
        try {
            tables_.images.emplace(id, read_image(rows));
        } catch (const Error& e) {
            log::warn("image {} is lost: {}", id.str(), e.message());
            lost.push_back(id);
        }
    }
    when_possible([&] { erase({}, lost); });
}

std::shared_ptr<const Image> Records::read_image(sqlite::Statement& row) const {
    Image image = read_image_documents(content_, Digest::parse(row.text(1)));
    if (const auto parent = row.optional_text(2)) image.parent = Digest::parse(*parent);
    image.size = static_cast<std::uint64_t>(row.integer(3));
    image.stored = from_integer(row.integer(4));
    if (row.optional_text(5)) image.last_tagged = from_integer(row.integer(5));
    return std::make_shared<const Image>(std::move(image));
}

void Records::put(const Image& image, const std::vector<oci::Reference>& names, bool flushed) {
    auto entry = std::make_shared<Image>(image);
    entry->tags.clear();
    entry->digests.clear();
    if (!names.empty()) entry->last_tagged = now();
    database_.transaction([&] {
        auto insert = database_.prepare(
            "INSERT OR REPLACE INTO images(id, manifest, parent, size, stored, last_tagged, "
            "unflushed_since_boot) VALUES(?, ?, ?, ?, ?, ?, ?)");
        insert.bind(1, std::string_view(image.id.str()));
        insert.bind(2, std::string_view(image.manifest.str()));
        insert.bind(3, image.parent ? std::optional(image.parent->str()) : std::nullopt);
        insert.bind(4, static_cast<std::int64_t>(image.size));
        insert.bind(5, to_integer(image.stored));
        if (entry->last_tagged) insert.bind(6, to_integer(*entry->last_tagged));
        insert.bind(7, flushed ? std::nullopt : std::optional(boot_));
        insert.run();
        if (flushed) database_.execute("UPDATE images SET unflushed_since_boot = NULL");
        for (const auto& diff_id : entry->config.diff_ids) write_layer_size(diff_id);
        for (const auto& name : names) write_name(name.str(), image.id, now());
        database_.prepare("DELETE FROM pulls WHERE manifest = ?")
            .bind(1, std::string_view(image.manifest.str()))
            .run();
    });
    pulls_.erase(image.manifest);
    tables_.images.insert_or_assign(image.id, std::move(entry));
    for (const auto& name : names) keep_name(name.str(), image.id, {});
}

void Records::write_layer_size(const Digest& diff_id) {
    const auto size = layer_size(diff_id);
    if (!size) return;
    database_.prepare("INSERT OR IGNORE INTO layer_sizes VALUES(?, ?)")
        .bind(1, std::string_view(diff_id.str()))
        .bind(2, static_cast<std::int64_t>(*size))
        .run();
}

void Records::write_name(const std::string& name, const Digest& image, Instant when,
                         const std::optional<Form>& form) {
    database_.prepare("INSERT OR REPLACE INTO image_names VALUES(?, ?)")
        .bind(1, std::string_view(name))
        .bind(2, std::string_view(image.str()))
        .run();
    database_.prepare("UPDATE images SET last_tagged = ? WHERE id = ?")
        .bind(1, to_integer(when))
        .bind(2, std::string_view(image.str()))
        .run();
    if (form) {
        database_.prepare("INSERT OR REPLACE INTO image_forms VALUES(?, ?)")
            .bind(1, std::string_view(name))
            .bind(2, std::string_view(form->manifest.str()))
            .run();
    } else {
        forget_form(name);
    }
}

void Records::forget_form(const std::string& name) {
    database_.prepare("DELETE FROM image_forms WHERE name = ?")
        .bind(1, std::string_view(name))
        .run();
}

void Records::keep_name(const std::string& name, const Digest& image,
                        const std::optional<Form>& form) {
    tables_.names.insert_or_assign(name, image);
    if (form) {
        tables_.forms.insert_or_assign(name, *form);
    } else {
        tables_.forms.erase(name);
    }
}

std::shared_ptr<const Image> Records::by_name(const std::string& name) const {
    const auto found = tables_.names.find(name);
    if (found == tables_.names.end()) return nullptr;
    const auto& own = tables_.images.at(found->second);
    const auto form = tables_.forms.find(name);
    if (form == tables_.forms.end()) return own;
    auto out = std::make_shared<Image>(*own);
    out->manifest = form->second.manifest;
    out->layers = form->second.layers;
    out->is_form = true;
    return out;
}

void Records::set_name(const oci::Reference& name, const Digest& image,
                       const std::optional<Form>& form) {
    const Instant when = now();
    database_.transaction([&] { write_name(name.str(), image, when, form); });
    keep_name(name.str(), image, form);
    auto tagged = std::make_shared<Image>(*tables_.images.at(image));
    tagged->last_tagged = when;
    tables_.images.insert_or_assign(image, std::move(tagged));
}

void Records::erase(const std::vector<std::string>& names, const std::vector<Digest>& images) {
    if (names.empty() && images.empty()) return;
    database_.transaction([&] {
        for (const auto& name : names) {
            database_.prepare("DELETE FROM image_names WHERE name = ?")
                .bind(1, std::string_view(name))
                .run();
            forget_form(name);
        }
        for (const auto& image : images) {
            database_.prepare("DELETE FROM images WHERE id = ?")
                .bind(1, std::string_view(image.str()))
                .run();
        }
    });
    for (const auto& name : names) {
        tables_.names.erase(name);
        tables_.forms.erase(name);
    }
    for (const auto& image : images) tables_.images.erase(image);
}

std::optional<std::uint64_t> Records::layer_size(const Digest& diff_id) const {
    const auto found = layer_sizes_.find(diff_id);
    return found == layer_sizes_.end() ? std::nullopt : std::optional(found->second);
}

/// Reaches the disk with the next image that has the layer.
void Records::set_layer_size(const Digest& diff_id, std::uint64_t size) {
    layer_sizes_.insert_or_assign(diff_id, size);
}

std::vector<oci::Reference> Records::names_of(const Digest& image) const {
    std::vector<oci::Reference> out;
    for (const auto& [name, id] : tables_.names) {
        if (id == image) out.push_back(oci::Reference::parse(name));
    }
    return out;
}

Image Records::named(const std::shared_ptr<const Image>& image) const {
    Image out = *image;
    for (const auto& name : names_of(image->id)) {
        (name.digest ? out.digests : out.tags).push_back(name.familiar());
    }
    return out;
}

}  // namespace brig::image
