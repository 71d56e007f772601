// The container that `spec` describes: what runc's users and their scripts begin from.
#pragma once

#include <string>

#include "oci/runtime_spec.h"

namespace brig::runtime {

/// A shell on a terminal with three capabilities and a read-only root.
oci::RuntimeSpec example_spec();
/// What an ordinary user may have of it: the user's own numbers in a user namespace, the host's
/// network, no limits.
void make_rootless(oci::RuntimeSpec& spec);
/// JSON for people.
std::string indented(const std::string& json);

}  // namespace brig::runtime
