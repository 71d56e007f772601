// See challenge.h.
#include "registry/challenge.h"

#include <algorithm>

#include "base/strings.h"

namespace brig::registry {
namespace {

constexpr std::size_t max_challenges = 16;
constexpr std::size_t max_parameters = 32;

bool is_token_char(char c) {
    constexpr std::string_view others = "!#$%&'*+-.^_`|~";
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           others.find(c) != std::string_view::npos;
}

class Reader {
public:
    explicit Reader(std::string_view text) : rest_(text) {}

    void skip(std::string_view what) {
        while (!rest_.empty() && what.find(rest_.front()) != std::string_view::npos)
            rest_.remove_prefix(1);
    }
    bool take(char c) {
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    std::string token() {
        const auto end = std::ranges::find_if_not(rest_, is_token_char);
        std::string out(rest_.begin(), end);
        rest_.remove_prefix(out.size());
        return out;
    }
    /// A token or a quoted string; false for one that does not end.
    bool value(std::string& out) {
        if (!take('"')) {
            out = token();
            return !out.empty();
        }
        while (!rest_.empty() && rest_.front() != '"') {
            if (rest_.front() == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
            out += rest_.front();
            rest_.remove_prefix(1);
        }
        return take('"');
    }
    [[nodiscard]] bool at_end() const { return rest_.empty(); }

private:
    std::string_view rest_;
};

}  // namespace

std::vector<Challenge> parse_challenges(std::string_view header) {
    Reader reader(header);
    std::vector<Challenge> out;
    for (;;) {
        reader.skip(" \t,");
        if (reader.at_end()) return out;
        const std::string name = to_lower(reader.token());
        if (name.empty()) return out;
        reader.skip(" \t");
        if (!reader.take('=')) {  // a scheme
            if (out.size() == max_challenges) return out;
            out.push_back({name, {}});
            continue;
        }
        reader.skip(" \t");
        std::string value;
        if (out.empty() || out.back().parameters.size() == max_parameters || !reader.value(value))
            return out;
        out.back().parameters.emplace(name, std::move(value));
    }
}

}  // namespace brig::registry
