// Reading image archives. The tar is read once: every file in it becomes a blob of the content
// store, under a lease; then manifest.json and index.json say which of them are images. Whatever
// no image claims is collected at the end, whether that end is good or bad.
#include "image/load.h"

#include <map>
#include <nlohmann/json.hpp>

#include "archive/path_cursor.h"
#include "archive/tar_input.h"
#include "base/defer.h"
#include "base/error.h"
#include "base/log.h"
#include "base/strings.h"
#include "image/archive_index.h"
#include "oci/document.h"
#include "oci/manifest.h"

namespace brig::image {
namespace {

constexpr std::size_t max_entries = 200'000;

std::string clean(const std::string& path) { return join(archive::clean_path(path), "/"); }

/// "a/b" + "../c/layer.tar" → "a/c/layer.tar". Only a key of the map of files: nothing is opened by
/// it.
std::string resolve_link(const std::string& from, const std::string& target) {
    std::vector<std::string> parts = split(from, '/');
    parts.pop_back();
    for (const auto& part : split(target, '/')) {
        if (part == "..") {
            if (!parts.empty()) parts.pop_back();
        } else if (!part.empty() && part != ".") {
            parts.push_back(part);
        }
    }
    return join(parts, "/");
}

ArchiveFile store_file(content::Store& content, const std::string& path, archive::Source& body) {
    content::Ingest ingest = content.begin();
    for (auto chunk = body.next(); !chunk.empty(); chunk = body.next()) ingest.write(chunk);
    const auto size = static_cast<std::int64_t>(ingest.size());
    constexpr std::string_view blobs = "blobs/sha256/";
    std::optional<Digest> expected;
    if (path.starts_with(blobs)) expected = Digest::parse("sha256:" + path.substr(blobs.size()));
    return {ingest.commit(expected), size};
}

ArchiveFiles read_files(content::Store& content, std::unique_ptr<archive::Source> stream) {
    const auto tar = archive::decompress(std::move(stream));
    archive::TarInput input(*tar);
    ArchiveFiles files;
    std::map<std::string, std::string> links;
    std::size_t entries = 0;
    while (input.next()) {
        if (++entries > max_entries) {
            throw Error(ErrorKind::invalid_argument, "image archive has more than {} entries",
                        max_entries);
        }
        const auto& entry = input.entry();
        try {
            const std::string path = clean(entry.path);
            if (entry.type == archive::EntryType::file) {
                files.insert_or_assign(path, store_file(content, path, input.body()));
            } else if (entry.type == archive::EntryType::symlink) {
                links.insert_or_assign(path, resolve_link(path, entry.link));
            } else if (entry.type == archive::EntryType::hardlink) {
                links.insert_or_assign(path, clean(entry.link));
            }
        } catch (const Error& e) {
            throw e.within(entry.path);
        }
    }
    // Old archives name a repeated layer by a link to its first occurrence.
    for (const auto& [path, target] : links) {
        if (const auto found = files.find(target); found != files.end())
            files.try_emplace(path, found->second);
    }
    return files;
}

/// Docker tells when a name moves from one image to another.
void report_moved_names(const Store& store, const ArchivedImage& image, const Digest& id,
                        const Progress& progress) {
    for (const auto& name : image.names) {
        try {
            const Image old = store.resolve(name.familiar());
            if (old.id == id) continue;
            progress(fmt::format(
                "The image {} already exists, renaming the old one with ID {} to empty string",
                name.familiar(), old.id.str()));
        } catch (const Error&) {
            continue;
        }
    }
}

/// What an earlier one of the archive is in other blobs is a form of it: it must not take its
/// place.
Image record(Store& store, const ArchivedImage& archived, const std::vector<Image>& before) {
    const auto known = std::ranges::find(before, archived.config, &Image::id);
    if (known == before.end() || known->manifest == archived.manifest || archived.names.empty())
        return store.record(archived.manifest, archived.names);
    for (const auto& name : archived.names) store.record_form(archived.manifest, name);
    return store.resolve(archived.names.front().familiar());
}

oci::Platform platform_of(const content::Store& content, const ArchivedImage& image) {
    return oci::ImageConfig::parse(content.read(image.config, oci::max_document_bytes)).platform;
}

std::vector<Image> load_leased(Store& store, std::unique_ptr<archive::Source> stream,
                               const Progress& progress, const std::optional<oci::Platform>& only) {
    const content::Lease lease = store.content().lease();
    const ArchiveFiles files = read_files(store.content(), std::move(stream));
    std::vector<Image> out;
    for (const auto& archived : find_images(store.content(), files)) {
        if (only && !only->accepts(platform_of(store.content(), archived))) continue;
        report_moved_names(store, archived, archived.config, progress);
        out.push_back(record(store, archived, out));
        for (const auto& name : archived.names) progress("Loaded image: " + name.familiar());
        if (archived.names.empty()) progress("Loaded image ID: " + out.back().id.str());
    }
    if (only && out.empty())
        throw Error(ErrorKind::not_found, "the archive has no image for {}", only->str());
    return out;
}

}  // namespace

std::vector<Image> load(Store& store, std::unique_ptr<archive::Source> stream,
                        const Progress& progress, const std::optional<oci::Platform>& only) {
    const Defer clean_up([&] {
        try {
            store.collect();
        } catch (const std::exception& e) {
            log::warn("cannot clean up after a load: {}", e.what());
        }
    });
    return load_leased(store, std::move(stream), progress, only);
}

}  // namespace brig::image
