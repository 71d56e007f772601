// See registry/curl.h: libcurl is a shared library, opened when it is first needed and never
// closed.
#include "registry/curl.h"

#include <dlfcn.h>

#include "base/error.h"

namespace brig::registry {
namespace {

constexpr auto library = "libcurl.so.4";

void* open_library() {
    void* handle = ::dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
        throw Error(ErrorKind::failed_precondition,
                    "registries need libcurl ({}): install libcurl4, on FreeBSD curl", ::dlerror());
    }
    return handle;
}

template <typename Function>
void find(void* handle, const char* name, Function*& function) {
    function = reinterpret_cast<Function*>(::dlsym(handle, name));
    if (function == nullptr) {
        throw Error(ErrorKind::failed_precondition,
                    "{} has no function {}: install a newer libcurl (7.85 or later)", library,
                    name);
    }
}

Curl loaded() {
    void* handle = open_library();
    Curl table{};
    find(handle, "curl_global_init", table.global_init);
    find(handle, "curl_free", table.free);
    find(handle, "curl_slist_append", table.slist_append);
    find(handle, "curl_slist_free_all", table.slist_free_all);
    find(handle, "curl_easy_init", table.easy_init);
    find(handle, "curl_easy_cleanup", table.easy_cleanup);
    find(handle, "curl_easy_reset", table.easy_reset);
    find(handle, "curl_easy_setopt", table.easy_setopt);
    find(handle, "curl_easy_getinfo", table.easy_getinfo);
    find(handle, "curl_easy_perform", table.easy_perform);
    find(handle, "curl_easy_strerror", table.easy_strerror);
    find(handle, "curl_url", table.url);
    find(handle, "curl_url_cleanup", table.url_cleanup);
    find(handle, "curl_url_get", table.url_get);
    find(handle, "curl_url_set", table.url_set);
    if (const auto code = table.global_init(CURL_GLOBAL_DEFAULT); code != CURLE_OK) {
        throw Error(ErrorKind::internal, "cannot initialise libcurl: {}",
                    table.easy_strerror(code));
    }
    return table;
}

}  // namespace

const Curl& curl() {
    static const Curl table = loaded();
    return table;
}

}  // namespace brig::registry
