// Replies as the text that goes over the wire.
#pragma once

#include <string>
#include <string_view>

#include "http/message.h"

namespace brig::http {

/// A request that cannot be served and after which the connection cannot be understood any more.
struct Rejected {
    int status;
    std::string reason;
};

Reply plain_error(const Rejected& rejected);
/// Status line, headers, `framing` (more header lines) and the empty line.
std::string head_text(const Reply& reply, std::string_view framing);
/// What precedes a hijacked stream; `upgrade` if the client asked for it in HTTP's way.
std::string hijack_head(const Reply& reply, const Upgrade& hijack, bool upgrade);
/// Whether a reply of this status has no body, whatever is in it.
bool bodiless(const Reply& reply);

}  // namespace brig::http
