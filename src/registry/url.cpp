// See url.h.
#include "registry/url.h"

#include <algorithm>
#include <memory>

#include "base/error.h"
#include "base/strings.h"
#include "registry/curl.h"

namespace brig::registry {
namespace {

struct Free {
    void operator()(CURLU* url) const { curl().url_cleanup(url); }
};
using Handle = std::unique_ptr<CURLU, Free>;

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
    throw Error(ErrorKind::invalid_argument, "URL {:?} {}", text.substr(0, 200), why);
}

std::string part(const Handle& url, CURLUPart which, std::string_view text) {
    char* value = nullptr;
    if (curl().url_get(url.get(), which, &value, CURLU_DEFAULT_PORT) != CURLUE_OK)
        refuse(text, "is incomplete");
    std::string out(value);
    curl().free(value);
    return out;
}

void set(const Handle& url, CURLUPart which, std::string_view value, unsigned flags) {
    if (std::ranges::any_of(value, [](unsigned char c) { return c <= ' ' || c == 0x7f; }))
        refuse(value, "has spaces or control characters");
    if (curl().url_set(url.get(), which, std::string(value).c_str(), flags) != CURLUE_OK)
        refuse(value, "is malformed");
}

Url finish(const Handle& url, std::string_view text) {
    Url out{.text = {},
            .scheme = part(url, CURLUPART_SCHEME, text),
            .host = to_lower(part(url, CURLUPART_HOST, text)),
            .port = part(url, CURLUPART_PORT, text)};
    if (out.scheme != "http" && out.scheme != "https") refuse(text, "is neither http nor https");
    char* whole = nullptr;
    if (curl().url_get(url.get(), CURLUPART_URL, &whole, 0) != CURLUE_OK)
        refuse(text, "is malformed");
    out.text = whole;
    curl().free(whole);
    return out;
}

Handle open(std::string_view text) {
    Handle url(curl().url());
    if (!url) throw std::bad_alloc();
    set(url, CURLUPART_URL, text, CURLU_DISALLOW_USER);
    return url;
}

}  // namespace

Url Url::parse(std::string_view text) { return finish(open(text), text); }

Url Url::resolve(std::string_view location) const {
    const Handle url = open(text);
    set(url, CURLUPART_URL, location, CURLU_DISALLOW_USER);
    return finish(url, location);
}

Url Url::with_query(std::string_view name, std::string_view value) const {
    const Handle url = open(text);
    set(url, CURLUPART_QUERY, std::string(name) + "=" + std::string(value),
        CURLU_APPENDQUERY | CURLU_URLENCODE);
    return finish(url, text);
}

}  // namespace brig::registry
