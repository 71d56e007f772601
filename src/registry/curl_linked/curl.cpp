// See registry/curl.h: libcurl is part of the program.
#include "registry/curl.h"

#include "base/error.h"

namespace brig::registry {
namespace {

Curl linked() {
    if (const auto code = ::curl_global_init(CURL_GLOBAL_DEFAULT); code != CURLE_OK) {
        throw Error(ErrorKind::internal, "cannot initialise libcurl: {}",
                    ::curl_easy_strerror(code));
    }
    return {.global_init = ::curl_global_init,
            .free = ::curl_free,
            .slist_append = ::curl_slist_append,
            .slist_free_all = ::curl_slist_free_all,
            .easy_init = ::curl_easy_init,
            .easy_cleanup = ::curl_easy_cleanup,
            .easy_reset = ::curl_easy_reset,
            .easy_setopt = ::curl_easy_setopt,
            .easy_getinfo = ::curl_easy_getinfo,
            .easy_perform = ::curl_easy_perform,
            .easy_strerror = ::curl_easy_strerror,
            .url = ::curl_url,
            .url_cleanup = ::curl_url_cleanup,
            .url_get = ::curl_url_get,
            .url_set = ::curl_url_set};
}

}  // namespace

const Curl& curl() {
    static const Curl table = linked();
    return table;
}

}  // namespace brig::registry
