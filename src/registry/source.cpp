// See source.h. Whatever a mirror does wrong is no failure: the next place is asked. One that
// cannot be reached, or that lies, is not asked again.
#include "registry/source.h"

#include "base/log.h"
#include "base/strings.h"

namespace brig::registry {
namespace {

/// A registry is worth patience, and a copy of it is not.
constexpr int mirror_attempts = 2;

Settings settings_for(const Mirror& mirror, Settings settings) {
    settings.mirrors.clear();
    settings.attempts = std::min(settings.attempts, mirror_attempts);
    if (mirror.insecure) settings.insecure.insert(mirror.host);
    return settings;
}

oci::Reference name_at(const Mirror& mirror, oci::Reference name) {
    name.domain = mirror.host;
    if (!mirror.path.empty()) name.path = mirror.path + "/" + name.path;
    return name;
}

}  // namespace

Mirror Mirror::parse(std::string_view location) {
    Mirror out;
    std::string_view rest = location;
    for (const std::string_view scheme : {"https://", "http://"}) {
        if (!rest.starts_with(scheme)) continue;
        rest.remove_prefix(scheme.size());
        out.insecure = scheme == "http://";
    }
    while (rest.ends_with('/')) rest.remove_suffix(1);
    auto [host, path] = split_once(rest, '/');
    const auto image = oci::Reference::try_parse(std::string(rest) + "/image");
    if (!image || image->domain != host || !image->tag.empty() || image->digest) {
        throw Error(ErrorKind::invalid_argument,
                    "mirror {:?} is not HOST[:PORT][/PATH], with a dot or a port in the host",
                    location.substr(0, 200));
    }
    out.host = std::move(host);
    out.path = path.value_or("");
    return out;
}

Source::Copy::Copy(const Mirror& mirror, const Settings& settings, const oci::Reference& name,
                   const Cancelled& cancelled)
    : where(fmt::format("mirror {} of {}", mirror.host, name.domain)),
      repository(settings_for(mirror, settings), name_at(mirror, name), {}, Access::pull,
                 cancelled) {}

Source::Source(const Settings& settings, const oci::Reference& name, Credentials credentials,
               const Cancelled& cancelled)
    : origin_(settings, name, std::move(credentials), Access::pull, cancelled) {
    const auto known = settings.mirrors.find(name.domain);
    if (known == settings.mirrors.end()) return;
    for (const auto& mirror : known->second)
        copies_.emplace_back(mirror, settings, name, cancelled);
}

template <typename Work>
auto Source::from_first(Work work) {
    for (auto& copy : copies_) {
        if (copy.given_up) continue;
        try {
            return work(copy.repository);
        } catch (const Error& e) {
            if (e.kind() == ErrorKind::cancelled) throw;
            const auto* refusal = dynamic_cast<const RegistryError*>(&e);
            if (refusal == nullptr || refusal->status() != 404) {
                copy.given_up = true;
                log::warn("{} is not asked any more for this image: {}", copy.where, e.message());
            }
        }
    }
    return work(origin_);
}

Document Source::manifest(const std::string& tag_or_digest) {
    return from_first([&](Repository& from) { return from.manifest(tag_or_digest); });
}

Document Source::manifest(const oci::Descriptor& announced) {
    return from_first([&](Repository& from) { return from.manifest(announced); });
}

/// What one place has broken off the next goes on with. If the bytes are wrong then, it is asked
/// for the whole: the place before it may have lied.
void Source::fetch_blob(const oci::Descriptor& blob, content::Store& store,
                        const Counter& received) {
    std::optional<content::Ingest> begun;
    from_first([&](Repository& from) {
        const bool goes_on = begun && begun->size() > 0;
        try {
            return from.fetch_blob(blob, store, begun, received);
        } catch (const Error& e) {
            if (e.kind() != ErrorKind::invalid_argument) throw;
            begun.reset();
            if (!goes_on) throw;
        }
        from.fetch_blob(blob, store, begun, received);
    });
}

}  // namespace brig::registry
