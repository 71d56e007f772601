// An image from one repository of a registry to another.
#pragma once

#include "registry/repository.h"

namespace brig::registry {

/// The manifest with everything it refers to, under its digest. Blobs are mounted; where the
/// registry does not do that, they go through `store`, whose lease the caller holds.
void copy_manifest(Repository& from, Repository& to, const Digest& digest, content::Store& store);

}  // namespace brig::registry
