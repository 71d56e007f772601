// The options of create and run, as what the runtime is asked for.
#pragma once

#include "runtime/cli/command.h"

namespace brig::runtime {

inline constexpr Option bundle_option{"bundle", "b", "DIRECTORY",
                                      "where config.json is; the current directory by default"};
inline constexpr Option no_pivot_option{"no-pivot", "", "",
                                        "cover a root that pivot_root(2) cannot take away"};
inline constexpr Option no_new_keyring_option{"no-new-keyring", "", "",
                                              "keep the caller's session keyring"};

/// A request and the document it points to.
struct BundleRequest {
    oci::RuntimeSpec spec;
    CreateRequest request;  ///< its `spec` is for the caller to set: this may still move
};

/// Reads the bundle and checks its terminal against the options; `detached`: nobody waits here.
BundleRequest bundle_request(const Context& context, const Arguments& arguments, bool detached);

}  // namespace brig::runtime
