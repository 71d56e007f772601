// Blobs to a registry: asked for, mounted from a sister repository, or sent: small ones whole with
// the request that ends the upload, others in one chunk that goes on where it was cut.
#include <utility>

#include "base/strings.h"
#include "registry/backoff.h"
#include "registry/naming.h"
#include "registry/repository.h"

namespace brig::registry {
namespace {

constexpr std::size_t max_answer = 1U << 20U;
constexpr std::string_view octets = "application/octet-stream";
/// Worth a request less, and not worth going on in the middle.
constexpr std::uint64_t whole_at_once = 1U << 20U;

}  // namespace

/// An upload session: where it goes on, and how much of the blob the registry has.
struct Repository::Upload {
    Url location;
    std::uint64_t offset = 0;
};

bool Repository::has_blob(const Digest& digest) {
    try {
        session_.text(
            {.method = "HEAD", .target = target("blobs/" + digest.str()), .scope = scope()},
            max_answer);
        return true;
    } catch (const RegistryError& e) {
        if (e.status() != 404) throw;
        return false;
    }
}

/// Nothing when the blob has been mounted.
std::optional<Repository::Upload> Repository::begin_upload(
    const Digest& digest, const std::optional<std::string>& mount_from) {
    std::string where = target("blobs/uploads/");
    if (mount_from) where += fmt::format("?mount={}&from={}", digest.str(), *mount_from);
    const auto [answer, ignored] =
        session_.text({.method = "POST", .target = where, .scope = scope(mount_from)}, max_answer);
    if (mount_from && answer.head.status == 201) return std::nullopt;
    return Upload{answer.url.resolve(answer.head.header("location"))};
}

/// Gives the call what the registry has not got yet of the blob as its body.
void Repository::add_rest(Call& call, const Upload& upload, const oci::Descriptor& blob,
                          const Fd& file, const Counter& sent) {
    const auto size = static_cast<std::uint64_t>(blob.size);
    call.file = FileBody{file.get(), upload.offset, size - upload.offset};
    call.on_sent = sent;
    call.retry = false;
    if (upload.offset > 0) {
        call.headers.emplace_back("Content-Range", fmt::format("{}-{}", upload.offset, size - 1));
    }
}

void Repository::send(Upload& upload, const oci::Descriptor& blob, const Fd& file,
                      const Counter& sent) {
    const auto size = static_cast<std::uint64_t>(blob.size);
    Call call{.method = "PATCH",
              .target = upload.location.text,
              .scope = scope(),
              .headers = {{"Content-Type", std::string(octets)}}};
    add_rest(call, upload, blob, file, sent);
    const auto [answer, ignored] = session_.text(call, max_answer);
    upload.location = answer.url.resolve(answer.head.header("location"));
    upload.offset = size;
}

/// Asks how far the upload came; false when the registry has forgotten it.
bool Repository::find_offset(Upload& upload) {
    try {
        const auto [answer, ignored] =
            session_.text({.target = upload.location.text, .scope = scope()}, max_answer);
        const auto end = split_once(answer.head.header("range"), '-').second;
        const auto last = end ? parse_int<std::uint64_t>(*end) : std::nullopt;
        upload.offset = last && *last > 0 ? *last + 1 : 0;
        if (const auto location = answer.head.header("location"); !location.empty())
            upload.location = answer.url.resolve(location);
        return true;
    } catch (const RegistryError& e) {
        if (e.passing()) throw;
        return false;
    }
}

/// Ends the upload, with the rest of the blob where there is one.
void Repository::finish(const Upload& upload, const oci::Descriptor& blob, const Fd& file,
                        const Counter& sent) {
    Call call{.method = "PUT",
              .target = upload.location.with_query("digest", blob.digest.str()).text,
              .scope = scope(),
              .headers = {{"Content-Type", std::string(octets)}},
              .retry = false};
    if (upload.offset < static_cast<std::uint64_t>(blob.size))
        add_rest(call, upload, blob, file, sent);
    session_.text(call, max_answer);
}

void Repository::upload(Upload upload, const oci::Descriptor& blob, const Fd& file,
                        const Counter& sent) {
    const auto size = static_cast<std::uint64_t>(blob.size);
    Backoff backoff(session_.settings(), session_.cancelled());
    // Within a handler. False when nothing is left to do: the answer to the last request may have
    // been lost.
    const auto goes_on = [&](std::optional<std::chrono::seconds> asked_for) {
        if (!backoff.wait(asked_for)) throw;
        if (find_offset(upload) && upload.offset <= size) return true;
        if (has_blob(blob.digest)) return false;
        upload = begin_upload(blob.digest, std::nullopt).value();
        return true;
    };
    for (bool is_needed = true; is_needed;) {
        try {
            if (size - upload.offset > whole_at_once) send(upload, blob, file, sent);
            return finish(upload, blob, file, sent);
        } catch (const RegistryError& e) {
            // 404: the registry has forgotten the upload, 416: it has another part of it.
            if (!e.passing() && e.status() != 416 && e.status() != 404) throw;
            is_needed = goes_on(e.retry_after);
        } catch (const TransportError& e) {
            if (e.what_failed() != TransportError::Kind::cut) throw;
            is_needed = goes_on({});
        }
    }
}

Placed Repository::put_blob(const oci::Descriptor& blob, const Fd& file,
                            const std::optional<std::string>& mount_from, const Counter& sent) {
    return named([&] {
        if (has_blob(blob.digest)) return Placed::was_there;
        auto begun = begin_upload(blob.digest, mount_from);
        if (!begun) return Placed::mounted;
        upload(std::move(*begun), blob, file, sent);
        return Placed::uploaded;
    });
}

Placed Repository::copy_blob(const oci::Descriptor& blob, Repository& from, content::Store& store) {
    return named([&] {
        if (has_blob(blob.digest)) return Placed::was_there;
        auto begun = begin_upload(blob.digest, from.path());
        if (!begun) return Placed::mounted;
        if (!store.has(blob.digest)) from.fetch_blob(blob, store, {});
        upload(std::move(*begun), blob, store.open(blob.digest), {});
        return Placed::uploaded;
    });
}

}  // namespace brig::registry
