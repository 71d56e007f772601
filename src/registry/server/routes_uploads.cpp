// Blobs on their way in: at once, in pieces, or from another repository without any.
#include "base/strings.h"
#include "registry/server/refusal.h"
#include "registry/server/service.h"

namespace brig::registry::server {
namespace {

http::Reply session_reply(int status, const Repo& repo, const std::string& id, std::uint64_t size) {
    return {status,
            {{"Location", fmt::format("/v2/{}/blobs/uploads/{}", repo.name(), id)},
             {"Docker-Upload-UUID", id},
             {"Range", fmt::format("0-{}", size == 0 ? 0 : size - 1)}},
            {}};
}

http::Reply created(const Repo& repo, const Digest& digest) {
    return {201,
            {{"Location", fmt::format("/v2/{}/blobs/{}", repo.name(), digest.str())},
             {"Docker-Content-Digest", digest.str()}},
            {}};
}

/// Content-Range: where the chunk begins, as the client sees it.
std::optional<std::uint64_t> chunk_start(const http::Request& request) {
    const auto header = request.header("content-range");
    if (header.empty()) return std::nullopt;
    std::string_view range = header;
    if (range.starts_with("bytes ")) range.remove_prefix(6);
    const auto [first_text, rest] = split_once(range, '-');
    const auto first = parse_int<std::uint64_t>(first_text);
    const auto last = parse_int<std::uint64_t>(split_once(rest.value_or(""), '/').first);
    if (!first || !last || *last < *first) {
        throw Refusal(400, "BLOB_UPLOAD_INVALID",
                      fmt::format("Content-Range {:?} is not FIRST-LAST", header));
    }
    const auto length = request.header("content-length");
    if (!length.empty() && parse_int<std::uint64_t>(length) != *last - *first + 1) {
        throw Refusal(400, "SIZE_INVALID",
                      "Content-Range and Content-Length contradict each other");
    }
    return first;
}

bool mount(Context& context, const Repo& repo, const Digest& digest, const std::string& from) {
    if (from.empty()) return false;
    const FileLock held = context.tree.lock();
    const auto size = context.tree.blob_size(context.repo(from), digest);
    if (!size) return false;
    repo.blobs().put(std::string(digest.hex()), std::to_string(*size), Durability::rebuildable);
    return true;
}

/// What a client says about the rest of the world it may be wrong about: then it uploads.
bool try_mount(Context& context, const Repo& repo, const Digest& digest, const std::string& from) {
    try {
        return mount(context, repo, digest, from);
    } catch (const Refusal&) {
        return false;
    }
}

http::Reply begin(Context& context, http::Request& request) {
    const Repo repo = context.repo(request.parameter("name"));
    if (request.has_param("mount")) {
        const Digest digest = parse_digest(request.param("mount"));
        if (try_mount(context, repo, digest, request.param("from"))) return created(repo, digest);
    }
    if (!request.has_param("digest"))
        return session_reply(202, repo, context.uploads.begin(repo), 0);
    const Digest digest = parse_digest(request.param("digest"));
    const auto id = context.uploads.begin(repo);
    try {
        context.uploads.append(repo, id, request.body_stream, 0);
    } catch (...) {
        context.uploads.cancel(repo, id);
        throw;
    }
    context.uploads.finish(repo, id, digest);
    return created(repo, digest);
}

http::Reply append(Context& context, http::Request& request) {
    const Repo repo = context.repo(request.parameter("name"));
    const auto& id = request.parameter("id");
    const auto size = context.uploads.append(repo, id, request.body_stream, chunk_start(request));
    return session_reply(202, repo, id, size);
}

http::Reply finish(Context& context, http::Request& request) {
    const Repo repo = context.repo(request.parameter("name"));
    const auto& id = request.parameter("id");
    const Digest digest = parse_digest(request.param("digest"));
    context.uploads.append(repo, id, request.body_stream, chunk_start(request));
    context.uploads.finish(repo, id, digest);
    return created(repo, digest);
}

http::Reply status(Context& context, http::Request& request) {
    const Repo repo = context.repo(request.parameter("name"));
    const auto& id = request.parameter("id");
    return session_reply(204, repo, id, context.uploads.size(repo, id));
}

http::Reply cancel(Context& context, http::Request& request) {
    const Repo repo = context.repo(request.parameter("name"));
    context.uploads.cancel(repo, request.parameter("id"));
    return {204, {}, {}};
}

}  // namespace

void add_upload_routes(Routes& routes) {
    using http::BodyMode;
    routes.add("POST", "/v2/{name*}/blobs/uploads", begin, BodyMode::streamed);
    routes.add("PATCH", "/v2/{name*}/blobs/uploads/{id}", append, BodyMode::streamed);
    routes.add("PUT", "/v2/{name*}/blobs/uploads/{id}", finish, BodyMode::streamed);
    routes.add("GET", "/v2/{name*}/blobs/uploads/{id}", status);
    routes.add("DELETE", "/v2/{name*}/blobs/uploads/{id}", cancel);
}

}  // namespace brig::registry::server
