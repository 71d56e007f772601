// See detach_keys.h.
#include "cli/detach_keys.h"

#include <optional>

#include "base/error.h"
#include "base/strings.h"

namespace brig::cli {
namespace {

std::optional<char> key_code(std::string_view key) {
    if (key.size() == 1) return key.front();
    constexpr std::string_view prefix = "ctrl-";
    if (!key.starts_with(prefix) || key.size() != prefix.size() + 1) return std::nullopt;
    const char c = key.back();
    if (c >= 'a' && c <= 'z') return static_cast<char>(c - 'a' + 1);
    if (c >= '@' && c <= '_') return static_cast<char>(c - '@');  // @ [ \ ] ^ _ and capitals
    return std::nullopt;
}

}  // namespace

std::string parse_detach_keys(std::string_view text) {
    std::string sequence;
    if (text.empty()) return sequence;
    for (const auto& key : split(text, ',')) {
        const auto code = key_code(key);
        if (!code) {
            throw Error(ErrorKind::invalid_argument,
                        "invalid detach keys ({}): unknown character: '{}'", text, key);
        }
        sequence += *code;
    }
    return sequence;
}

bool DetachWatcher::feed(std::string_view typed, std::string& out) {
    for (const char c : typed) {
        if (!sequence_.empty() && c == sequence_[matched_]) {
            if (++matched_ == sequence_.size()) return true;
            continue;
        }
        out += sequence_.substr(0, matched_);
        matched_ = 0;
        if (!sequence_.empty() && c == sequence_.front())
            matched_ = 1;
        else
            out += c;
    }
    return false;
}

}  // namespace brig::cli
