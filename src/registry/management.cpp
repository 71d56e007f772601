// See management.h.
#include "registry/management.h"

#include "base/strings.h"
#include "oci/manifest.h"

namespace brig::registry {
namespace {

constexpr std::size_t max_pages = 1000;
constexpr std::size_t max_names = 100'000;
constexpr auto limit = oci::max_document_bytes;
constexpr auto hub_search = "https://index.docker.io/v1/search";
constexpr auto empty_index =
    R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]})";

std::string pull_scope(const std::string& path) { return "repository:" + path + ":pull"; }

/// Where a registry has no API for it, clients keep a list under a tag.
std::string referrers_by_tag(Session& session, const std::string& path, const Digest& subject) {
    try {
        return session
            .text({.target = fmt::format("{}/manifests/sha256-{}", path, subject.hex()),
                   .scope = pull_scope(path),
                   .headers = {{"Accept", std::string(oci::media_type::index)}}},
                  limit)
            .body;
    } catch (const RegistryError& e) {
        if (e.status() != 404) throw;
        return empty_index;
    }
}

std::vector<Found> search_hub(Session& session, const std::string& term, std::size_t count) {
    const auto url =
        Url::parse(hub_search).with_query("q", term).with_query("n", std::to_string(count));
    const auto body = session.text({.target = url.text, .scope = ""}, limit).body;
    return parse_search(body, count);
}

}  // namespace

std::optional<std::string> next_page(const HttpHead& head) {
    const std::string link = head.header("link");
    const auto begin = link.find('<');
    const auto end = link.find('>');
    if (begin == std::string::npos || end == std::string::npos || end < begin ||
        link.find("rel=\"next\"", end) == std::string::npos) {
        return std::nullopt;
    }
    return link.substr(begin + 1, end - begin - 1);
}

std::vector<std::string> repositories(Session& session) {
    std::vector<std::string> out;
    std::string at = "_catalog";
    for (std::size_t page = 0; page < max_pages; ++page) {
        const auto [answer, body] =
            session.text({.target = at, .scope = "registry:catalog:*"}, limit);
        for (auto& name : parse_catalog(body)) out.push_back(std::move(name));
        const auto next = next_page(answer.head);
        if (!next || out.size() > max_names) break;
        at = answer.url.resolve(*next).text;
    }
    return out;
}

void remove_manifest(Session& session, const std::string& path, const std::string& tag_or_digest) {
    session.text({.method = "DELETE",
                  .target = fmt::format("{}/manifests/{}", path, tag_or_digest),
                  .scope = "repository:" + path + ":pull,push,delete"},
                 limit);
}

std::string referrers(Session& session, const std::string& path, const Digest& subject,
                      const std::string& artifact_type) {
    try {
        const auto body = session
                              .text({.target = fmt::format("{}/referrers/{}", path, subject.str()),
                                     .scope = pull_scope(path)},
                                    limit)
                              .body;
        return referrers_of_type(body, artifact_type);
    } catch (const RegistryError& e) {
        if (e.status() != 404) throw;
        return referrers_of_type(referrers_by_tag(session, path, subject), artifact_type);
    }
}

std::vector<Found> search(Session& session, const std::string& term, std::size_t count) {
    if (session.registry() == "docker.io") return search_hub(session, term, count);
    std::vector<Found> out;
    for (auto& name : repositories(session)) {
        if (out.size() == count) break;
        if (name.find(term) != std::string::npos) out.push_back({.name = std::move(name)});
    }
    return out;
}

}  // namespace brig::registry
