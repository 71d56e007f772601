// Which base system to make; each kind is in a file of its own.
#include "image/bootstrap.h"

#include <cstdlib>

#include "base/error.h"
#include "base/strings.h"
#include "image/bootstrap_kinds.h"

namespace brig::image {

Image bootstrap(Store& store, const BootstrapRequest& request, const Progress& progress) {
    const auto [kind, release] = split_once(request.what, ':');
    const auto name = request.name ? *request.name : oci::Reference::parse(request.what);
    BootstrapTask task{store, request, release.value_or(""), name.with_default_tag(), progress};
    if (kind == "busybox" && !release) return bootstrap_busybox(task);
    if (kind == "debian" || kind == "ubuntu") return bootstrap_debian(task);
    if (kind == "freebsd") return bootstrap_freebsd(task);
    throw Error(ErrorKind::invalid_argument,
                "cannot bootstrap {:?}: want busybox, debian:SUITE or freebsd:RELEASE",
                request.what);
}

std::optional<Instant> source_date_epoch() {
    const char* given = std::getenv("SOURCE_DATE_EPOCH");
    const auto seconds = parse_int<std::int64_t>(given != nullptr ? given : "");
    return seconds ? std::optional(Instant(std::chrono::seconds(*seconds))) : std::nullopt;
}

}  // namespace brig::image
