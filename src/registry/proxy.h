// Through which proxy a server is reached: the rules of Go's net/http, which docker's users know.
// libcurl's own differ: it proxies loopback, and knows no ports in NO_PROXY.
#pragma once

#include <string>

#include "registry/settings.h"
#include "registry/url.h"

namespace brig::registry {

/// The proxy for requests to `url`; empty where there is none, as for loopback always.
std::string proxy_for(const Url& url, const Proxies& proxies);

}  // namespace brig::registry
