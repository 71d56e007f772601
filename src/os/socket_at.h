// Unix sockets by directory descriptor: a socket's address holds about a hundred characters, a
// state directory's path may have more.
#pragma once

#include <string>

#include "base/fd.h"

namespace brig::os {

/// A listening sequenced-packet socket named `name` in `directory`, mode 0600. Throws SysError.
Fd listen_at(int directory, const std::string& name);
/// Throws SysError: not_found without such a socket, ECONNREFUSED when nobody listens.
Fd connect_at(int directory, const std::string& name);

}  // namespace brig::os
