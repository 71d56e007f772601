// See log_format.h.
#include "shim/log_format.h"

#include <array>
#include <cstdint>

namespace brig::shim {
namespace {

constexpr std::string_view hex = "0123456789abcdef";

void append_u00(std::string& out, unsigned char c) {
    out += "\\u00";
    out += hex[c >> 4U];
    out += hex[c & 15U];
}

bool is_plain(unsigned char c) {
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

void append_ascii(std::string& out, unsigned char c) {
    switch (c) {
        case '"': out += "\\\""; return;
        case '\\': out += "\\\\"; return;
        case '\n': out += "\\n"; return;
        case '\r': out += "\\r"; return;
        default: append_u00(out, c);
    }
}

/// The length of the UTF-8 sequence at the front as Go decodes it (no overlong forms, surrogates
/// or values past U+10FFFF), or 0.
std::size_t utf8_length(std::string_view text) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = at(0);
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((at(i) & 0xC0U) != 0x80) return 0;
    }
    const unsigned char second = at(1);
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
        (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) {
        return 0;
    }
    return length;
}

}  // namespace

void append_json_escaped(std::string& out, std::string_view text) {
    std::size_t i = 0;
    while (i < text.size()) {
        std::size_t plain = i;
        while (plain < text.size() && is_plain(static_cast<unsigned char>(text[plain]))) ++plain;
        out += text.substr(i, plain - i);
        i = plain;
        if (i == text.size()) return;
        if (static_cast<unsigned char>(text[i]) < 0x80) {
            append_ascii(out, static_cast<unsigned char>(text[i++]));
            continue;
        }
        const std::size_t length = utf8_length(text.substr(i));
        const std::string_view rune = text.substr(i, length);
        if (length == 0) {
            out += "\\ufffd";
        } else if (rune == "\xE2\x80\xA8" || rune == "\xE2\x80\xA9") {
            out += rune.back() == '\xA8' ? "\\u2028" : "\\u2029";
        } else {
            out += rune;
        }
        i += length == 0 ? 1 : length;
    }
}

void append_log_entry(std::string& out, std::string_view text, std::string_view stream,
                      std::string_view time) {
    out += R"({"log":")";
    append_json_escaped(out, text);
    out += R"(","stream":")";
    out += stream;
    out += R"(","time":")";
    out += time;
    out += "\"}\n";
}

}  // namespace brig::shim
