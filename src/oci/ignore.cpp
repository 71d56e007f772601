#include "oci/ignore.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/strings.h"
#include "oci/glob.h"
#include "oci/glob_class.h"

namespace brig::oci {
namespace {

struct Token {
    enum class Kind {
        literal,
        one,          ///< `?`
        set,          ///< `[…]`
        star,         ///< `*`: any run without '/'
        anything,     ///< `**` at the end: any run
        directories,  ///< `**` elsewhere: nothing, or any run that ends in '/'
    };
    Kind kind;
    char32_t rune = 0;
    GlobClass set{};
};

std::vector<Token> compile(std::string_view pattern) {
    std::vector<Token> tokens;
    while (!pattern.empty()) {
        const char head = pattern.front();
        if (head == '*') {
            pattern.remove_prefix(1);
            if (pattern.empty() || pattern.front() != '*') {
                tokens.push_back({Token::Kind::star});
                continue;
            }
            pattern.remove_prefix(1);
            if (pattern.starts_with('/')) pattern.remove_prefix(1);
            tokens.push_back({pattern.empty() ? Token::Kind::anything : Token::Kind::directories});
        } else if (head == '?') {
            pattern.remove_prefix(1);
            tokens.push_back({Token::Kind::one});
        } else if (head == '[') {
            pattern.remove_prefix(1);
            tokens.push_back({Token::Kind::set, 0, GlobClass::parse(pattern)});
        } else {
            if (head == '\\') pattern.remove_prefix(1);
            if (pattern.empty())
                throw Error(ErrorKind::invalid_argument, "syntax error in pattern");
            tokens.push_back({Token::Kind::literal, take_rune(pattern)});
        }
    }
    return tokens;
}

/// Runs all ways through the tokens side by side, so that no pattern is slow. A state is a token's
/// index doubled; odd: inside a `directories` run.
class Matcher {
public:
    explicit Matcher(const std::vector<Token>& tokens)
        : tokens_(tokens), now_(2 * tokens.size() + 2), next_(now_.size()) {
        enter(now_, 0);
    }
    void step(char32_t rune) {
        std::fill(next_.begin(), next_.end(), false);
        for (std::size_t state = 0; state < now_.size(); ++state) {
            if (now_[state] && state / 2 < tokens_.size()) advance(state / 2, rune);
        }
        std::swap(now_, next_);
    }
    [[nodiscard]] bool accepted() const { return now_[2 * tokens_.size()]; }
    [[nodiscard]] bool alive() const {
        return std::find(now_.begin(), now_.end(), true) != now_.end();
    }

private:
    /// At token `index`, and past it where it may match nothing.
    void enter(std::vector<bool>& states, std::size_t index) {
        while (true) {
            states[2 * index] = true;
            if (index == tokens_.size()) return;
            const auto kind = tokens_[index].kind;
            if (kind != Token::Kind::star && kind != Token::Kind::anything &&
                kind != Token::Kind::directories) {
                return;
            }
            ++index;
        }
    }
    void advance(std::size_t index, char32_t rune) {
        const auto& token = tokens_[index];
        switch (token.kind) {
            case Token::Kind::literal:
                if (rune == token.rune) enter(next_, index + 1);
                break;
            case Token::Kind::one:
                if (rune != '/') enter(next_, index + 1);
                break;
            case Token::Kind::set:
                if (rune != '/' && token.set.matches(rune)) enter(next_, index + 1);
                break;
            case Token::Kind::star:
                if (rune != '/') enter(next_, index);
                break;
            case Token::Kind::anything: enter(next_, index); break;
            case Token::Kind::directories:
                next_[2 * index + 1] = true;
                if (rune == '/') enter(next_, index + 1);
                break;
        }
    }

    const std::vector<Token>& tokens_;
    std::vector<bool> now_;
    std::vector<bool> next_;
};

}  // namespace

struct IgnorePatterns::Pattern {
    bool reinclude = false;
    std::string text;  ///< clean, without '!'
    bool plain = false;
    std::vector<Token> tokens;

    /// Whether the pattern matches the path or one of its parents.
    [[nodiscard]] bool matches(std::string_view path) const {
        if (plain) {
            return path.starts_with(text) &&
                   (path.size() == text.size() || path[text.size()] == '/');
        }
        Matcher matcher(tokens);
        while (!path.empty()) {
            const bool boundary = path.front() == '/';
            if (boundary && matcher.accepted()) return true;
            matcher.step(take_rune(path));
            if (!matcher.alive()) return false;
        }
        return matcher.accepted();
    }

    /// Whether something beneath `directory` could match.
    [[nodiscard]] bool reaches_into(std::string_view directory) const {
        if (plain) {
            return text.starts_with(directory) && text.size() > directory.size() &&
                   text[directory.size()] == '/';
        }
        Matcher matcher(tokens);
        while (!directory.empty()) matcher.step(take_rune(directory));
        matcher.step('/');
        return matcher.alive();
    }
};

IgnorePatterns::IgnorePatterns() = default;
IgnorePatterns::IgnorePatterns(IgnorePatterns&&) noexcept = default;
IgnorePatterns& IgnorePatterns::operator=(IgnorePatterns&&) noexcept = default;
IgnorePatterns::~IgnorePatterns() = default;

IgnorePatterns::IgnorePatterns(const std::vector<std::string>& patterns) {
    for (const auto& given : patterns) {
        std::string_view text = trim(given);
        if (text.empty()) continue;
        Pattern pattern;
        if (text.starts_with('!')) {
            pattern.reinclude = true;
            text = trim(text.substr(1));
            if (text.empty())
                throw Error(ErrorKind::invalid_argument, "illegal exclusion pattern: \"!\"");
        }
        pattern.text = clean_path(text);
        if (pattern.text.size() > 1 && pattern.text.front() == '/') pattern.text.erase(0, 1);
        pattern.plain = !has_glob(pattern.text);
        try {
            pattern.tokens = compile(pattern.text);
        } catch (const Error& error) {
            throw error.within("\"" + given + "\"");
        }
        patterns_.push_back(std::move(pattern));
    }
}

IgnorePatterns IgnorePatterns::parse(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    std::vector<std::string> patterns;
    for (auto& line : split(text, '\n')) {
        if (!line.starts_with('#')) patterns.push_back(std::move(line));
    }
    return IgnorePatterns(patterns);
}

bool IgnorePatterns::excludes(std::string_view path) const {
    bool excluded = false;
    for (const auto& pattern : patterns_) {
        // A pattern that would only confirm the verdict need not be tried.
        if (excluded == pattern.reinclude && pattern.matches(path)) excluded = !pattern.reinclude;
    }
    return excluded;
}

bool IgnorePatterns::excludes_tree(std::string_view directory) const {
    return excludes(directory) &&
           std::none_of(patterns_.begin(), patterns_.end(), [&](const Pattern& pattern) {
               return pattern.reinclude && pattern.reaches_into(directory);
           });
}

bool IgnorePatterns::empty() const { return patterns_.empty(); }

}  // namespace brig::oci
