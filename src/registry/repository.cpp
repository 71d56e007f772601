// Manifests and tags; blobs are in download.cpp and upload.cpp.
#include "registry/repository.h"

#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "oci/document.h"
#include "oci/manifest.h"
#include "registry/management.h"
#include "registry/naming.h"

namespace brig::registry {
namespace {

constexpr std::size_t max_tag_pages = 1000;
constexpr std::size_t max_tags = 100'000;

std::string accepted_types() {
    std::string out;
    for (const auto type : {oci::media_type::docker_manifest, oci::media_type::docker_index,
                            oci::media_type::manifest, oci::media_type::index}) {
        if (!out.empty()) out += ", ";
        out += type;
    }
    return out;
}

/// The media type without parameters.
std::string type_of(const HttpHead& head) {
    return to_lower(trim(split(head.header("content-type"), ';').front()));
}

}  // namespace

Repository::Repository(Settings settings, const oci::Reference& name, Credentials credentials,
                       Access access, Cancelled cancelled)
    : session_(std::move(settings), name.domain, std::move(credentials), std::move(cancelled)),
      path_(name.path),
      access_(access) {}

std::string Repository::scope(const std::optional<std::string>& other) const {
    std::string out =
        fmt::format("repository:{}:{}", path_, access_ == Access::push ? "pull,push" : "pull");
    if (other) out += fmt::format(" repository:{}:pull", *other);
    return out;
}

std::string Repository::target(std::string_view what) const {
    return fmt::format("{}/{}", path_, what);
}

Document Repository::read_manifest(const std::string& tag_or_digest, std::string_view accept) {
    auto [answer, bytes] = session_.text({.target = target("manifests/" + tag_or_digest),
                                          .scope = scope(),
                                          .headers = {{"Accept", std::string(accept)}}},
                                         oci::max_document_bytes);
    const Digest digest = Digest::of(bytes);
    const std::string said = answer.head.header("docker-content-digest");
    if (said.starts_with("sha256:") && said != digest.str()) {
        throw Error(ErrorKind::invalid_argument, "manifest {} has digest {}, not {} as announced",
                    tag_or_digest, digest.str(), said.substr(0, 100));
    }
    std::string type = type_of(answer.head);
    if (!oci::is_manifest_type(type) && !oci::is_index_type(type)) {
        // Some servers know no better; then the document has to say.
        const auto json = oci::fields::parse_object(bytes, "manifest", oci::max_document_bytes);
        type = oci::fields::string(json, "mediaType");
    }
    // Throws where content and type contradict each other.
    try {
        const auto parsed = oci::parse_manifest_or_index(bytes, type);
        if (type.empty())
            type = std::visit([](const auto& document) { return document.media_type; }, parsed);
    } catch (const Error& e) {
        throw e.within("manifest " + tag_or_digest);
    }
    return {{.media_type = type, .digest = digest, .size = static_cast<std::int64_t>(bytes.size())},
            std::move(bytes)};
}

Document Repository::manifest(const std::string& tag_or_digest) {
    return named([&] {
        Document out = read_manifest(tag_or_digest, accepted_types());
        if (tag_or_digest.starts_with("sha256:") && out.descriptor.digest.str() != tag_or_digest) {
            throw Error(ErrorKind::invalid_argument, "manifest {} has digest {}", tag_or_digest,
                        out.descriptor.digest.str());
        }
        return out;
    });
}

Document Repository::manifest(const oci::Descriptor& announced) {
    return named([&] {
        const std::string digest = announced.digest.str();
        Document out = read_manifest(
            digest, announced.media_type.empty() ? accepted_types() : announced.media_type);
        if (out.descriptor.digest != announced.digest) {
            throw Error(ErrorKind::invalid_argument, "manifest {} has digest {}", digest,
                        out.descriptor.digest.str());
        }
        if (announced.size != out.descriptor.size) {
            throw Error(ErrorKind::invalid_argument, "manifest {} has {} bytes, not {}", digest,
                        out.descriptor.size, announced.size);
        }
        return out;
    });
}

std::vector<std::string> Repository::tags() {
    return named([&] {
        std::vector<std::string> out;
        std::string at = target("tags/list");
        for (std::size_t page = 0; page < max_tag_pages; ++page) {
            const auto [answer, body] =
                session_.text({.target = at, .scope = scope()}, oci::max_document_bytes);
            for (auto& tag : parse_tags(body)) out.push_back(std::move(tag));
            const auto next = next_page(answer.head);
            if (!next || out.size() > max_tags) break;
            at = answer.url.resolve(*next).text;
        }
        return out;
    });
}

std::string Repository::small_blob(const oci::Descriptor& blob, std::size_t limit) {
    return named([&] {
        auto bytes =
            session_.text({.target = target("blobs/" + blob.digest.str()), .scope = scope()}, limit)
                .body;
        if (Digest::of(bytes) != blob.digest) {
            throw Error(ErrorKind::invalid_argument, "blob {} has digest {}", blob.digest.str(),
                        Digest::of(bytes).str());
        }
        return bytes;
    });
}

void Repository::put_manifest(const std::string& tag_or_digest, const std::string& media_type,
                              const std::string& bytes) {
    named([&] {
        const auto [answer, ignored] =
            session_.text({.method = "PUT",
                           .target = target("manifests/" + tag_or_digest),
                           .scope = scope(),
                           .headers = {{"Content-Type", media_type}},
                           .body = bytes},
                          oci::max_document_bytes);
        const std::string said = answer.head.header("docker-content-digest");
        if (said.starts_with("sha256:") && said != Digest::of(bytes).str()) {
            throw Error(ErrorKind::internal, "the manifest pushed as {} became {} there",
                        Digest::of(bytes).str(), said.substr(0, 100));
        }
    });
}

}  // namespace brig::registry
