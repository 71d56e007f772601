// libcurl as a table of the functions that are used. On Debian it brings some twenty shared
// libraries along, 6 MB of memory that an engine which never talks to a registry has no use for: it
// is opened at the first use (curl_loaded/), except where it is linked statically (curl_linked/).
#pragma once

#include <curl/curl.h>

namespace brig::registry {

struct Curl {
    decltype(&::curl_global_init) global_init;
    decltype(&::curl_free) free;
    decltype(&::curl_slist_append) slist_append;
    decltype(&::curl_slist_free_all) slist_free_all;
    decltype(&::curl_easy_init) easy_init;
    decltype(&::curl_easy_cleanup) easy_cleanup;
    decltype(&::curl_easy_reset) easy_reset;
    decltype(&::curl_easy_setopt) easy_setopt;
    decltype(&::curl_easy_getinfo) easy_getinfo;
    decltype(&::curl_easy_perform) easy_perform;
    decltype(&::curl_easy_strerror) easy_strerror;
    decltype(&::curl_url) url;
    decltype(&::curl_url_cleanup) url_cleanup;
    decltype(&::curl_url_get) url_get;
    decltype(&::curl_url_set) url_set;
};

/// Initialised at the first call; Error{failed_precondition} where there is no libcurl.
const Curl& curl();

}  // namespace brig::registry
