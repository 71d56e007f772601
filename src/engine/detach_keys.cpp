// See detach_keys.h.
#include "engine/detach_keys.h"

#include "base/error.h"
#include "base/strings.h"

namespace brig::engine {

std::string parse_detach_keys(std::string_view text) {
    if (text.empty()) text = "ctrl-p,ctrl-q";
    std::string out;
    for (const auto& key : split(text, ',')) {
        if (key.size() == 1) {
            out += key;
            continue;
        }
        const std::string_view with_control = "ctrl-";
        const char c = key.size() == 6 && key.starts_with(with_control) ? key[5] : '\0';
        if (c >= 'a' && c <= 'z') {
            out += static_cast<char>(c - 'a' + 1);
        } else if (c == '@') {
            out += '\0';
        } else if (c == '[' || c == '\\' || c == ']' || c == '^' || c == '_') {
            out += static_cast<char>(c - '[' + 27);
        } else {
            throw Error(ErrorKind::invalid_argument, "Unknown character: '{}' in detach keys", key);
        }
    }
    return out;
}

}  // namespace brig::engine
