#include "build/lines.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include "base/error.h"
#include "base/strings.h"
#include "build/words.h"

namespace brig::build {
namespace {

class Reader {
public:
    Reader(std::string_view text, const std::string& file) : text_(text), file_(file) {
        if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);
    }

    Lines read() {
        read_directives();
        while (const auto first = next()) {
            const int number = number_;
            if (is_comment(*first)) continue;
            std::string line{trim(*first)};
            bool open = cut_continuation(line);
            if (!open && line.empty()) continue;
            while (open) {
                const auto more = next();
                if (!more) break;
                if (is_comment(*more) || trim(*more).empty()) continue;
                std::string part{*more};
                open = cut_continuation(part);
                line += part;
            }
            LogicalLine logical{number, std::string(trim(line)), {}};
            if (logical.text.empty()) continue;
            read_heredocs(logical);
            lines_.lines.push_back(std::move(logical));
        }
        return std::move(lines_);
    }

private:
    /// The next physical line without its line end.
    std::optional<std::string_view> next() {
        if (text_.empty()) return std::nullopt;
        ++number_;
        const auto end = text_.find('\n');
        auto line = text_.substr(0, end);
        text_.remove_prefix(end == std::string_view::npos ? text_.size() : end + 1);
        while (line.ends_with('\r')) line.remove_suffix(1);
        return line;
    }

    static bool is_comment(std::string_view line) { return trim(line).starts_with('#'); }

    /// Directives are the comments "# key=value" before anything else.
    void read_directives() {
        bool escape_seen = false;
        while (true) {
            const auto rest = text_;
            const auto line = next();
            const auto directive = line ? parse_directive(*line) : std::nullopt;
            if (!directive) {
                text_ = rest;
                number_ -= line ? 1 : 0;
                return;
            }
            if (directive->first != "escape") continue;
            if (escape_seen)
                throw_parse_error(file_, number_, "only one escape parser directive can be used");
            escape_seen = true;
            if (directive->second != "\\" && directive->second != "`") {
                throw_parse_error(file_, number_,
                                  "invalid ESCAPE '" + directive->second + "'. Must be ` or \\");
            }
            lines_.escape = directive->second.front();
        }
    }

    static std::optional<std::pair<std::string, std::string>> parse_directive(
        std::string_view line) {
        if (!line.starts_with('#')) return std::nullopt;
        const auto equals = line.find('=');
        if (equals == std::string_view::npos) return std::nullopt;
        auto key = to_lower(trim(line.substr(1, equals - 1)));
        if (key != "escape" && key != "syntax" && key != "check") return std::nullopt;
        return std::pair{std::move(key), std::string(trim(line.substr(equals + 1)))};
    }

    /// Removes an escape character at the line's end, white space after it allowed; a doubled one
    /// is no continuation.
    [[nodiscard]] bool cut_continuation(std::string& line) const {
        const auto last = line.find_last_not_of(" \t");
        if (last == std::string::npos || line[last] != lines_.escape) return false;
        if (last > 0 && line[last - 1] == lines_.escape) return false;
        line.resize(last);
        return true;
    }

    void read_heredocs(LogicalLine& logical) {
        const auto keyword = to_lower(logical.text.substr(0, logical.text.find_first_of(" \t")));
        if (keyword != "run" && keyword != "copy" && keyword != "add") return;
        if (logical.text.find("<<") == std::string::npos) return;
        for (const auto& word : split_words(logical.text, lines_.escape)) {
            if (auto start = parse_start(word)) {
                read_content(logical, *start);
                logical.heredocs.push_back(std::move(start->heredoc));
            }
        }
    }

    struct Start {
        Heredoc heredoc;
        bool strip_tabs = false;
    };

    /// "[fd]<<[-]NAME", the name quoted or not.
    [[nodiscard]] std::optional<Start> parse_start(std::string_view word) const {
        while (!word.empty() && std::isdigit(static_cast<unsigned char>(word.front())) != 0)
            word.remove_prefix(1);
        if (!word.starts_with("<<")) return std::nullopt;
        word.remove_prefix(2);
        Start start;
        start.strip_tabs = word.starts_with('-');
        if (start.strip_tabs) word.remove_prefix(1);
        if (word.empty() || word.find('<') != std::string_view::npos) return std::nullopt;
        start.heredoc.expand = word.find_first_of("'\"\\") == std::string_view::npos;
        start.heredoc.name = unquote(word, lines_.escape);
        if (start.heredoc.name.empty()) return std::nullopt;
        return start;
    }

    void read_content(const LogicalLine& logical, Start& start) {
        while (auto line = next()) {
            if (start.strip_tabs)
                line->remove_prefix(std::min(line->find_first_not_of('\t'), line->size()));
            if (*line == start.heredoc.name) return;
            start.heredoc.content.append(*line).push_back('\n');
        }
        throw_parse_error(file_, logical.number, "unterminated heredoc");
    }

    std::string_view text_;
    const std::string& file_;
    int number_ = 0;
    Lines lines_;
};

}  // namespace

Lines read_lines(std::string_view text, const std::string& file) {
    return Reader(text, file).read();
}

void throw_parse_error(const std::string& file, int line, std::string_view what) {
    throw Error(ErrorKind::invalid_argument, "{}:{}: dockerfile parse error on line {}: {}", file,
                line, line, what);
}

}  // namespace brig::build
