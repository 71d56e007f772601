#include "build/words.h"

#include <cctype>

#include "base/error.h"
#include "build/shell_pattern.h"

namespace brig::build {
namespace {

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }
bool is_alpha(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

[[noreturn]] void fail(std::string message) {
    throw Error(ErrorKind::invalid_argument, std::move(message));
}

/// Evaluates one word from front to back. What it yields is collected in `result`; white space that
/// came unquoted also cuts `words`.
class Expander {
public:
    Expander(std::string_view text, char escape, const Lookup& lookup)
        : rest_(text), escape_(escape), lookup_(lookup) {}

    std::string whole() { return until('\0', false); }

    std::vector<std::string> words() {
        splitting_ = true;
        std::string last = until('\0', false);
        if (word_open_) words_.push_back(std::move(last));
        return std::move(words_);
    }

    /// Variables only: a quote is a character like any other.
    std::string heredoc() {
        std::string result;
        while (!rest_.empty()) {
            if (rest_.front() == '$') {
                result += dollar();
            } else if (rest_.front() == escape_ && rest_.size() > 1 &&
                       (rest_[1] == '$' || rest_[1] == escape_)) {
                rest_.remove_prefix(1);
                result += take();
            } else {
                result += take();
            }
        }
        return result;
    }

private:
    char take() {
        const char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }

    /// Up to an unquoted `stop`, which is removed; '\0' is the end of the text.
    std::string until(char stop, bool keep_escapes) {
        // Nesting ${a:-${b:-…}} recurses; an attacker's Dockerfile must not overflow the stack.
        if (++depth_ > 100) fail("variable substitution is nested too deeply");
        std::string result;
        while (true) {
            if (rest_.empty()) {
                if (stop != '\0')
                    fail(stop == '}' ? "syntax error: missing '}'"
                                     : "syntax error: missing '/' in ${}");
                break;
            }
            const char c = rest_.front();
            if (stop != '\0' && c == stop) {
                take();
                break;
            }
            piece(c, keep_escapes, stop, result);
        }
        --depth_;
        return result;
    }

    void piece(char c, bool keep_escapes, char stop, std::string& result) {
        if (c == '\'') {
            result += single_quoted();
            word_open_ = true;
        } else if (c == '"') {
            result += double_quoted();
            word_open_ = true;
        } else if (c == '$') {
            if (splitting_ && stop == '\0') return split_value(dollar(), result);
            result += dollar();
        } else if (c == escape_) {
            take();
            if (keep_escapes) result += c;
            if (!rest_.empty()) result += take();
            word_open_ = true;
        } else if (splitting_ && stop == '\0' && is_space(c)) {
            take();
            cut(result);
        } else {
            result += take();
            word_open_ = true;
        }
    }

    void cut(std::string& result) {
        if (word_open_) words_.push_back(std::move(result));
        result.clear();
        word_open_ = false;
    }

    /// A variable's unquoted value is split like text that stood there.
    void split_value(const std::string& value, std::string& result) {
        for (const char c : value) {
            if (is_space(c)) {
                cut(result);
            } else {
                result += c;
                word_open_ = true;
            }
        }
    }

    std::string single_quoted() {
        take();
        const auto end = rest_.find('\'');
        if (end == std::string_view::npos)
            fail("unexpected end of statement while looking for matching single-quote");
        std::string result{rest_.substr(0, end)};
        rest_.remove_prefix(end + 1);
        return result;
    }

    std::string double_quoted() {
        take();
        std::string result;
        while (true) {
            if (rest_.empty())
                fail("unexpected end of statement while looking for matching double-quote");
            const char c = rest_.front();
            if (c == '"') {
                take();
                return result;
            }
            if (c == '$') {
                result += dollar();
                continue;
            }
            take();
            if (c == escape_) {
                if (rest_.empty())
                    fail("unexpected end of statement while looking for matching double-quote");
                // Within double quotes only these three can be escaped.
                const char next = take();
                if (next != '"' && next != '$' && next != escape_) result += c;
                result += next;
                continue;
            }
            result += c;
        }
    }

    std::string name() {
        if (rest_.empty()) return {};
        if (is_digit(rest_.front())) {
            std::size_t end = 0;
            while (end < rest_.size() && is_digit(rest_[end])) ++end;
            return cut_name(end);
        }
        if (std::string_view("@*#?-$!0").find(rest_.front()) != std::string_view::npos)
            return cut_name(1);
        std::size_t end = 0;
        while (end < rest_.size() &&
               (is_alpha(rest_[end]) || rest_[end] == '_' || (end > 0 && is_digit(rest_[end])))) {
            ++end;
        }
        return cut_name(end);
    }
    std::string cut_name(std::size_t end) {
        std::string result{rest_.substr(0, end)};
        rest_.remove_prefix(end);
        return result;
    }

    std::string dollar() {
        take();
        if (rest_.empty() || rest_.front() != '{') {
            const auto variable = name();
            return variable.empty() ? "$" : lookup_(variable).value_or("");
        }
        take();
        const auto variable = name();
        if (rest_.empty()) fail("syntax error: missing '}'");
        if (variable.empty()) fail("bad substitution: ${" + std::string(1, rest_.front()));
        const auto value = lookup_(variable);
        char operation = take();
        if (operation == '}') return value.value_or("");
        const bool colon = operation == ':';
        if (colon) {
            if (rest_.empty()) fail("syntax error: missing '}'");
            operation = take();
        }
        return modified(variable, value, operation, colon);
    }

    std::string modified(const std::string& variable, const std::optional<std::string>& value,
                         char operation, bool colon) {
        const bool set = value && !(colon && value->empty());
        switch (operation) {
            case '-': {
                auto word = until('}', false);
                return set ? *value : word;
            }
            case '+': {
                auto word = until('}', false);
                return set ? word : "";
            }
            case '?': {
                const auto word = until('}', false);
                if (!set)
                    fail(variable + ": " + (word.empty() ? "is not allowed to be unset" : word));
                return *value;
            }
            case '#':
            case '%':
                if (!colon) return trimmed(value.value_or(""), operation);
                break;
            case '/':
                if (!colon) return replaced(value.value_or(""));
                break;
            default: break;
        }
        fail(std::string("unsupported modifier (") + (colon ? ":" : "") + operation +
             ") in substitution");
    }

    std::string trimmed(const std::string& value, char operation) {
        const bool longest = !rest_.empty() && rest_.front() == operation;
        if (longest) take();
        const ShellPattern pattern(until('}', true));
        return operation == '#' ? pattern.without_prefix(value, longest)
                                : pattern.without_suffix(value, longest);
    }

    std::string replaced(const std::string& value) {
        const bool all = !rest_.empty() && rest_.front() == '/';
        if (all) take();
        const ShellPattern pattern(until('/', true));
        return pattern.replace(value, until('}', false), all);
    }

    std::string_view rest_;
    char escape_;
    const Lookup& lookup_;
    int depth_ = 0;
    bool splitting_ = false;
    bool word_open_ = false;
    std::vector<std::string> words_;
};

}  // namespace

std::vector<std::string> split_words(std::string_view text, char escape) {
    std::vector<std::string> words;
    std::string word;
    bool open = false;
    char quote = '\0';
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (quote == '\0' && is_space(c)) {
            if (open) words.push_back(std::move(word));
            word.clear();
            open = false;
            continue;
        }
        open = true;
        word += c;
        if (c == escape && quote != '\'') {
            if (at + 1 < text.size()) word += text[++at];
        } else if (quote == '\0' && (c == '\'' || c == '"')) {
            quote = c;
        } else if (c == quote) {
            quote = '\0';
        }
    }
    if (open) words.push_back(std::move(word));
    return words;
}

std::string expand(std::string_view word, char escape, const Lookup& lookup) {
    return Expander(word, escape, lookup).whole();
}

std::vector<std::string> expand_to_words(std::string_view word, char escape, const Lookup& lookup) {
    return Expander(word, escape, lookup).words();
}

std::string expand_heredoc(std::string_view text, char escape, const Lookup& lookup) {
    return Expander(text, escape, lookup).heredoc();
}

std::string unquote(std::string_view word, char escape) {
    std::string result;
    char quote = '\0';
    for (std::size_t at = 0; at < word.size(); ++at) {
        const char c = word[at];
        if (quote == '\0' && (c == '\'' || c == '"')) {
            quote = c;
        } else if (c == quote && quote != '\0') {
            quote = '\0';
        } else if (c == escape && quote != '\'' && at + 1 < word.size()) {
            result += word[++at];
        } else {
            result += c;
        }
    }
    return result;
}

}  // namespace brig::build
