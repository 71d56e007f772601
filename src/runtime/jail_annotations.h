// Settings of a jail in annotations, as podman and buildah on FreeBSD pass them to ocijail: the
// specification's own section for FreeBSD is younger.
#pragma once

#include <map>
#include <string>

#include "os/sandbox_spec.h"

namespace brig::runtime {

/// What they ask for, over `settings`. Throws Error{invalid_argument} for an "org.freebsd.jail."
/// annotation that is not known.
void apply_jail_annotations(const std::map<std::string, std::string>& annotations,
                            os::JailSettings& settings);

/// What a document without a FreeBSD section means: the host's network, and what programs of an
/// ordinary system expect.
os::JailSettings jail_without_section();

}  // namespace brig::runtime
