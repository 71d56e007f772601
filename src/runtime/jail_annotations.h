// Settings of a jail in annotations, as podman and buildah on FreeBSD pass them to ocijail: the
// specification's own section for FreeBSD is younger.
#pragma once

#include <map>
#include <string>

#include "os/sandbox_spec.h"

namespace brig::runtime {

/// What they ask for, over `settings`: "org.freebsd.jail.NAME" is the jail's parameter NAME, which
/// the kernel judges when the jail is made. Throws Error{invalid_argument} for those that are
/// Brig's own, and for values that are wrong on any kernel.
void apply_jail_annotations(const std::map<std::string, std::string>& annotations,
                            os::JailSettings& settings);

/// What a document without a FreeBSD section means: the host's network, and what programs of an
/// ordinary system expect.
os::JailSettings jail_without_section();

}  // namespace brig::runtime
