// Blobs: whole, in part, whether they are there, and away with them.
#include <optional>

#include "base/strings.h"
#include "registry/server/refusal.h"
#include "registry/server/service.h"

namespace brig::registry::server {
namespace {

/// A link that is younger needs no touching.
constexpr auto fresh = std::chrono::minutes(5);

struct Span {
    std::uint64_t first;
    std::uint64_t length;
};

[[noreturn]] void unsatisfiable(std::uint64_t size) {
    throw Refusal(416, "RANGE_INVALID", "the range is outside of the blob")
        .with("Content-Range", fmt::format("bytes */{}", size));
}

/// RFC 9110, section 14: one range of bytes; several, and what is malformed, are ignored.
std::optional<Span> requested_span(const std::string& header, std::uint64_t size) {
    if (!header.starts_with("bytes=") || header.find(',') != std::string::npos) return std::nullopt;
    const auto [from_text, to_text] = split_once(header.substr(6), '-');
    if (!to_text) return std::nullopt;
    const auto from = parse_int<std::uint64_t>(from_text);
    const auto to = parse_int<std::uint64_t>(*to_text);
    if (from_text.empty()) {  // the last so many
        if (!to) return std::nullopt;
        if (*to == 0 || size == 0) unsatisfiable(size);
        const auto length = std::min(*to, size);
        return Span{size - length, length};
    }
    if (!from || (!to && !to_text->empty()) || (to && *to < *from)) return std::nullopt;
    if (*from >= size) unsatisfiable(size);
    const auto last = to ? std::min(*to, size - 1) : size - 1;
    return Span{*from, last - *from + 1};
}

std::uint64_t require(const Context& context, const Repo& repo, const Digest& digest) {
    const auto size = context.tree.blob_size(repo, digest);
    if (!size) {
        throw Refusal(404, "BLOB_UNKNOWN",
                      fmt::format("blob {} is not in {}", digest.str(), repo.name()));
    }
    return *size;
}

/// Who asks for a blob may be about to push a manifest with it.
void keep_from_collection(const Context& context, const Repo& repo, const Digest& digest) {
    if (context.access.read_only) return;
    const std::string hex(digest.hex());
    const auto age = repo.blobs().age(hex);
    if (age && *age > fresh) repo.blobs().touch(hex);
}

http::Reply get(Context& context, http::Request& request) {
    const Repo repo = context.repo(request.parameter("name"));
    const Digest digest = parse_digest(request.parameter("digest"));
    const auto size = require(context, repo, digest);
    keep_from_collection(context, repo, digest);
    http::Reply reply{200,
                      {{"Content-Type", "application/octet-stream"},
                       {"Docker-Content-Digest", digest.str()},
                       {"ETag", fmt::format("\"{}\"", digest.str())},
                       {"Accept-Ranges", "bytes"}},
                      http::FileBody{context.tree.content().open(digest), 0, size}};
    if (const auto span = requested_span(request.header("range"), size)) {
        auto& body = std::get<http::FileBody>(reply.body);
        body.offset = span->first;
        body.length = span->length;
        reply.status = 206;
        reply.headers.emplace_back(
            "Content-Range",
            fmt::format("bytes {}-{}/{}", span->first, span->first + span->length - 1, size));
    }
    return reply;
}

http::Reply remove(Context& context, http::Request& request) {
    const Repo repo = context.repo(request.parameter("name"));
    const Digest digest = parse_digest(request.parameter("digest"));
    const FileLock held = context.tree.lock();
    require(context, repo, digest);
    repo.blobs().remove(std::string(digest.hex()));
    return {202, {}, {}};
}

}  // namespace

void add_blob_routes(Routes& routes) {
    routes.add("GET", "/v2/{name*}/blobs/{digest}", get);
    routes.add("HEAD", "/v2/{name*}/blobs/{digest}", get);
    routes.add("DELETE", "/v2/{name*}/blobs/{digest}", remove);
}

}  // namespace brig::registry::server
