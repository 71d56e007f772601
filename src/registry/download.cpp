// Blobs from a registry. A transfer that is cut goes on with a Range request; one whose bytes turn
// out to be wrong is an error, and nothing of it is in the store.
#include <algorithm>

#include "base/strings.h"
#include "registry/backoff.h"
#include "registry/naming.h"
#include "registry/repository.h"

namespace brig::registry {
namespace {

/// As much as makes a connection worth taking up again without counting it as a failure.
constexpr std::uint64_t worthwhile = 1U << 20U;

/// The first byte of "bytes 100-199/200"; nothing where that is not what it says.
std::optional<std::uint64_t> range_start(const HttpHead& head) {
    const std::string range = head.header("content-range");
    if (!range.starts_with("bytes ")) return std::nullopt;
    return parse_int<std::uint64_t>(split_once(std::string_view(range).substr(6), '-').first);
}

}  // namespace

/// One request, for what is still missing.
void Repository::receive(const oci::Descriptor& blob, content::Ingest& ingest,
                         const Counter& received) {
    const auto size = static_cast<std::uint64_t>(blob.size);
    const std::uint64_t start = ingest.size();
    Call call{.target = target("blobs/" + blob.digest.str()), .scope = scope(), .retry = false};
    if (start > 0) call.headers = {{"Range", fmt::format("bytes={}-", start)}};
    std::uint64_t skip = 0;
    bool begun = false;
    session_.call(call, [&](const HttpHead& head, std::span<const std::byte> data) {
        if (!std::exchange(begun, true)) {
            // Without 206 everything comes again.
            skip = head.status == 206 ? 0 : start;
            if (head.status == 206 && range_start(head) != start) {
                throw Error(ErrorKind::invalid_argument,
                            "asked for blob {} from byte {} and got {:?}", blob.digest.str(), start,
                            head.header("content-range").substr(0, 100));
            }
        }
        const auto skipped = std::min<std::uint64_t>(skip, data.size());
        skip -= skipped;
        data = data.subspan(skipped);
        if (ingest.size() + data.size() > size) {
            throw Error(ErrorKind::invalid_argument,
                        "blob {} is longer than the {} bytes announced", blob.digest.str(), size);
        }
        ingest.write(data);
        if (received) received(ingest.size());
    });
    if (ingest.size() < size) {
        throw TransportError(
            TransportError::Kind::cut,
            fmt::format("blob {} of {}/{} ended after {} of {} bytes", blob.digest.str(),
                        registry(), path_, ingest.size(), size));
    }
}

void Repository::download(const oci::Descriptor& blob, content::Store& store,
                          std::optional<content::Ingest>& ingest, const Counter& received) {
    Backoff backoff(session_.settings(), session_.cancelled());
    if (!ingest) ingest.emplace(store.begin());
    while (ingest->size() < static_cast<std::uint64_t>(blob.size)) {
        const std::uint64_t before = ingest->size();
        try {
            receive(blob, *ingest, received);
        } catch (const RegistryError& e) {
            // A server that does not know ranges as it should gets asked for the whole.
            const bool refuses_range = e.status() == 416 && before > 0;
            if (refuses_range) ingest.emplace(store.begin());
            if ((!refuses_range && !e.passing()) || !backoff.wait(e.retry_after)) throw;
        } catch (const TransportError& e) {
            if (e.what_failed() == TransportError::Kind::tls) throw;
            if (ingest->size() >= before + worthwhile) backoff.reset();
            if (!backoff.wait()) throw;
        }
    }
    try {
        ingest->commit(blob.digest, static_cast<std::uint64_t>(blob.size));
    } catch (const Error& e) {
        throw e.within("blob " + blob.digest.str());
    }
}

void Repository::fetch_blob(const oci::Descriptor& blob, content::Store& store,
                            const Counter& received) {
    std::optional<content::Ingest> begun;
    fetch_blob(blob, store, begun, received);
}

void Repository::fetch_blob(const oci::Descriptor& blob, content::Store& store,
                            std::optional<content::Ingest>& begun, const Counter& received) {
    if (blob.size < 0) throw Error(ErrorKind::invalid_argument, "blob with a negative size");
    named([&] { download(blob, store, begun, received); });
}

}  // namespace brig::registry
