// Template text to tree: first text and actions, then the words of each action.
#include <cctype>
#include <charconv>
#include <optional>

#include "base/strings.h"
#include "cli/go_template_ast.h"

namespace brig::cli::go_template {
namespace {

struct Piece {
    bool action;
    std::string text;
};

/// Where the "}}" of an action is, quotes respected.
std::size_t action_end(std::string_view text, std::size_t from) {
    const std::size_t start = text.substr(from).starts_with("- ") ? from + 2 : from;
    if (text.substr(start).starts_with("/*")) {
        const auto close = text.find("*/", start);
        if (close == std::string_view::npos) fail("unclosed comment");
        from = close + 2;
    }
    char quote = 0;
    for (std::size_t i = from; i < text.size(); ++i) {
        if (quote != 0) {
            if (text[i] == '\\' && quote != '`')
                ++i;
            else if (text[i] == quote)
                quote = 0;
        } else if (text[i] == '"' || text[i] == '`' || text[i] == '\'') {
            quote = text[i];
        } else if (text.substr(i, 2) == "}}") {
            return i;
        }
    }
    fail(quote != 0 ? "unterminated quoted string" : "unclosed action");
}

std::string_view trim_right(std::string_view text) {
    const auto last = text.find_last_not_of(" \t\r\n");
    return last == std::string_view::npos ? std::string_view() : text.substr(0, last + 1);
}

std::vector<Piece> pieces_of(std::string_view text) {
    std::vector<Piece> pieces;
    bool trim_left = false;
    for (std::size_t at = 0; at <= text.size();) {
        const auto open = text.find("{{", at);
        std::string_view plain = text.substr(at, open == std::string_view::npos ? open : open - at);
        if (trim_left)
            plain.remove_prefix(std::min(plain.find_first_not_of(" \t\r\n"), plain.size()));
        if (open == std::string_view::npos) {
            pieces.push_back({false, std::string(plain)});
            break;
        }
        const bool trims_before = text.substr(open + 2).starts_with("- ");
        pieces.push_back({false, std::string(trims_before ? trim_right(plain) : plain)});
        const auto close = action_end(text, open + 2);
        std::string_view inside = text.substr(open + 2, close - open - 2);
        if (trims_before) inside.remove_prefix(1);
        trim_left = inside.ends_with(" -");
        if (trim_left) inside.remove_suffix(1);
        inside = trim(inside);
        if (!inside.starts_with("/*")) pieces.push_back({true, std::string(inside)});
        at = close + 2;
    }
    return pieces;
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

std::string append_utf8(unsigned code) {
    // Only what \x and \u of string constants need: Json's own decoder knows the rest.
    return Json::parse(fmt::format("\"\\u{:04x}\"", code)).get<std::string>();
}

class WordReader {
public:
    explicit WordReader(std::string_view text) : text_(text) {}

    Pipeline pipeline() {
        Pipeline result;
        read_declaration(result);
        do {
            result.calls.push_back(call());
        } while (accept('|'));
        return result;
    }
    void expect_end() {
        skip();
        if (!text_.empty()) fail(fmt::format("unexpected \"{}\" in operand", text_.substr(0, 1)));
    }

private:
    void skip() { text_.remove_prefix(std::min(text_.find_first_not_of(" \t\r\n"), text_.size())); }
    bool accept(char c) {
        skip();
        if (!text_.starts_with(c)) return false;
        text_.remove_prefix(1);
        return true;
    }
    std::string word() {
        std::size_t n = 0;
        while (n < text_.size() && is_word(text_[n])) ++n;
        std::string result(text_.substr(0, n));
        text_.remove_prefix(n);
        return result;
    }
    std::vector<std::string> path() {
        std::vector<std::string> names;
        while (text_.size() > 1 && text_[0] == '.' && is_word(text_[1])) {
            text_.remove_prefix(1);
            names.push_back(word());
        }
        return names;
    }

    void read_declaration(Pipeline& result) {
        const std::string_view before = text_;
        std::vector<std::string> names;
        while (accept('$')) {
            names.push_back(word());
            if (!accept(',')) break;
        }
        skip();
        if (!names.empty() && text_.starts_with(":=")) {
            text_.remove_prefix(2);
            result.declares = names;
        } else if (names.size() == 1 && text_.starts_with('=')) {
            text_.remove_prefix(1);
            result.declares = names;
            result.assigns = true;
        } else {
            text_ = before;
        }
    }

    Call call() {
        Call result;
        for (;;) {
            skip();
            if (text_.empty() || text_[0] == '|' || text_[0] == ')') break;
            result.operands.push_back(operand());
        }
        if (result.operands.empty()) fail("missing value for command");
        return result;
    }

    Operand operand() {
        const char c = text_.front();
        if (c == '"' || c == '`' || c == '\'') return Literal{quoted()};
        if (c == '$') {
            text_.remove_prefix(1);
            std::string name = word();
            return Variable{std::move(name), path()};
        }
        if (c == '.') {
            auto names = path();
            if (!names.empty()) return Field{std::move(names)};
            text_.remove_prefix(1);
            return Dot{};
        }
        if (accept('(')) {
            auto inner = std::make_shared<Pipeline>(pipeline());
            if (!accept(')')) fail("unclosed left paren");
            return Group{std::move(inner), path()};
        }
        if (std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '+')
            return number();
        const std::string name = word();
        if (name == "true" || name == "false") return Literal{Json(name == "true")};
        if (name == "nil") return Literal{Json()};
        if (name.empty()) fail(fmt::format("unexpected \"{}\" in command", c));
        if (!is_function(name)) fail(fmt::format("function \"{}\" not defined", name));
        return Function{name};
    }

    Operand number() {
        const auto end = text_.find_first_of(" \t\r\n|)");
        const std::string_view digits = text_.substr(0, end);
        const auto value =
            Json::parse(digits.starts_with('+') ? digits.substr(1) : digits, nullptr, false);
        if (!value.is_number()) fail(fmt::format("bad number syntax: \"{}\"", digits));
        text_.remove_prefix(digits.size());
        return Literal{value};
    }

    Json quoted() {
        const char quote = text_.front();
        std::string out;
        std::size_t i = 1;
        for (; i < text_.size() && text_[i] != quote; ++i) {
            if (text_[i] != '\\' || quote == '`')
                out += text_[i];
            else
                i += escape(text_.substr(i), out) - 1;
        }
        text_.remove_prefix(std::min(i + 1, text_.size()));
        if (quote == '\'')
            return Json(out.empty() ? 0 : static_cast<int>(static_cast<unsigned char>(out[0])));
        return Json(out);
    }

    /// Appends what the escape at the start of `text` stands for; returns its length.
    static std::size_t escape(std::string_view text, std::string& out) {
        constexpr std::string_view names = "abfnrtv\\'\"";
        constexpr std::string_view values = "\a\b\f\n\r\t\v\\'\"";
        if (text.size() < 2) fail("unterminated quoted string");
        if (const auto at = names.find(text[1]); at != std::string_view::npos) {
            out += values[at];
            return 2;
        }
        const std::size_t digits = text[1] == 'x' ? 2 : text[1] == 'u' ? 4 : 0;
        unsigned code = 0;
        const auto hex = text.substr(2, digits);
        const auto parsed = std::from_chars(hex.data(), hex.data() + hex.size(), code, 16);
        if (digits == 0 || parsed.ptr != hex.data() + digits)
            fail("invalid syntax in string constant");
        out += append_utf8(code);
        return 2 + digits;
    }

    std::string_view text_;
};

Pipeline pipeline_of(std::string_view text) {
    WordReader reader(text);
    Pipeline result = reader.pipeline();
    reader.expect_end();
    return result;
}

std::optional<std::string_view> after_keyword(std::string_view text, std::string_view keyword) {
    if (!text.starts_with(keyword)) return std::nullopt;
    text.remove_prefix(keyword.size());
    if (!text.empty() && is_word(text.front())) return std::nullopt;
    return trim(text);
}

class TreeBuilder {
public:
    explicit TreeBuilder(std::vector<Piece> pieces) : pieces_(std::move(pieces)) {}

    std::shared_ptr<Block> whole() {
        auto block = read_block();
        if (next_ < pieces_.size()) fail(fmt::format("unexpected {{{{{}}}}}", pieces_[next_].text));
        return block;
    }

private:
    /// Up to the end of the text, or to {{else}} or {{end}}, which stays unread.
    std::shared_ptr<Block> read_block() {
        auto block = std::make_shared<Block>();
        for (; next_ < pieces_.size(); ++next_) {
            const Piece& piece = pieces_[next_];
            if (!piece.action) {
                if (!piece.text.empty()) block->nodes.push_back(Text{piece.text});
            } else if (after_keyword(piece.text, "end") || after_keyword(piece.text, "else")) {
                break;
            } else if (auto branch = read_branch(piece.text)) {
                block->nodes.push_back(std::move(*branch));
            } else {
                block->nodes.push_back(Action{pipeline_of(piece.text)});
            }
        }
        return block;
    }

    /// Leaves next_ at the {{end}}.
    std::optional<Node> read_branch(std::string_view text) {
        constexpr std::pair<std::string_view, BranchKind> keywords[] = {
            {"if", BranchKind::if_}, {"range", BranchKind::range}, {"with", BranchKind::with}};
        for (const auto& [keyword, kind] : keywords) {
            const auto condition = after_keyword(text, keyword);
            if (!condition) continue;
            Branch branch{.kind = kind, .pipeline = pipeline_of(*condition)};
            ++next_;
            branch.body = read_block();
            branch.otherwise = read_otherwise();
            return branch;
        }
        return std::nullopt;
    }

    std::shared_ptr<Block> read_otherwise() {
        if (next_ >= pieces_.size()) fail("unexpected EOF");
        const auto rest = after_keyword(pieces_[next_].text, "else");
        if (!rest) return nullptr;
        if (!rest->empty()) {  // {{else if x}}: a branch that shares our {{end}}
            auto block = std::make_shared<Block>();
            const std::string condition(*rest);
            auto branch = read_branch(condition);
            if (!branch) fail("unexpected \"" + condition + "\" in else");
            block->nodes.push_back(std::move(*branch));
            return block;
        }
        ++next_;
        auto block = read_block();
        if (next_ >= pieces_.size()) fail("unexpected EOF");
        if (!after_keyword(pieces_[next_].text, "end")) fail("expected end; found {{else}}");
        return block;
    }

    std::vector<Piece> pieces_;
    std::size_t next_ = 0;
};

}  // namespace

std::shared_ptr<const Block> parse(std::string_view text) {
    return TreeBuilder(pieces_of(text)).whole();
}

}  // namespace brig::cli::go_template
