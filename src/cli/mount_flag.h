// -v and --mount: what the client itself decides about them; the engine checks the rest.
#pragma once

#include <string>
#include <string_view>

#include "cli/json.h"

namespace brig::cli {

/// A -v value with a relative source made absolute ("./x:/y"). Without a source ("/data") the
/// volume is anonymous and `binds` is false. Throws Error{invalid_argument}.
struct VolumeFlag {
    std::string text;
    bool binds = true;
};
VolumeFlag parse_volume_flag(std::string_view text);

/// "type=bind,src=/a,dst=/b,readonly" as an object of the API's HostConfig.Mounts. Throws BadValue.
Json parse_mount_flag(std::string_view text);

}  // namespace brig::cli
