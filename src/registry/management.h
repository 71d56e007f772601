// What can be asked of a registry beside images: what there is, what refers to a manifest, and to
// have something removed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "registry/replies.h"
#include "registry/session.h"

namespace brig::registry {

/// All repositories that the registry tells of. Throws RegistryError where it does not
/// (docker.io never does).
std::vector<std::string> repositories(Session& session);

/// Removes a tag, or a manifest with all its tags.
void remove_manifest(Session& session, const std::string& path, const std::string& tag_or_digest);

/// An index of the manifests whose subject this is, of one artifact type where that is not empty;
/// by the tag schema where the registry has no such API (distribution-spec 1.1, "Listing
/// Referrers").
std::string referrers(Session& session, const std::string& path, const Digest& subject,
                      const std::string& artifact_type);

/// Names with `term` in them: by docker.io's own search, elsewhere among all repositories.
std::vector<Found> search(Session& session, const std::string& term, std::size_t limit);

/// The URL of a `Link: <URL>; rel="next"`, or nothing.
std::optional<std::string> next_page(const HttpHead& head);

}  // namespace brig::registry
