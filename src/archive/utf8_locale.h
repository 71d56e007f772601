// libarchive converts names between the pax headers' UTF-8 and the thread's locale; in the C
// locale it would mangle every name that is not ASCII.
#pragma once

#include <locale.h>
#if __has_include(<xlocale.h>)
#include <xlocale.h>
#endif

namespace brig::archive {

/// For the calling thread and the lifetime of the object.
class Utf8Locale {
public:
    Utf8Locale() : locale_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
        if (locale_ != nullptr) previous_ = ::uselocale(locale_);
    }
    Utf8Locale(const Utf8Locale&) = delete;
    Utf8Locale& operator=(const Utf8Locale&) = delete;
    ~Utf8Locale() {
        if (locale_ == nullptr) return;
        ::uselocale(previous_);
        ::freelocale(locale_);
    }

private:
    locale_t locale_;
    locale_t previous_{};
};

}  // namespace brig::archive
