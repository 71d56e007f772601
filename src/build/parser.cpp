// Instructions: each logical line split the way its keyword's own syntax has it.
#include <algorithm>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/strings.h"
#include "build/dockerfile.h"
#include "build/lines.h"
#include "build/words.h"

namespace brig::build {
namespace {

std::string upper(std::string_view text) {
    std::string result{text};
    for (char& c : result) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return result;
}

/// The number of single-character edits between two words.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
        }
    }
    return row.back();
}

/// Parses one logical line. A member function per kind of syntax; `what` throws with the place.
class InstructionParser {
public:
    InstructionParser(const std::string& file, char escape) : file_(file), escape_(escape) {}

    Instruction parse(LogicalLine line) {
        line_ = line.number;
        Instruction instruction;
        instruction.line = line.number;
        instruction.heredocs = std::move(line.heredocs);
        const auto space = line.text.find_first_of(" \t\v\f");
        instruction.keyword = upper(std::string_view(line.text).substr(0, space));
        std::string_view rest =
            space == std::string::npos ? "" : trim(std::string_view(line.text).substr(space));
        instruction.original = instruction.keyword;
        if (!rest.empty()) instruction.original.append(" ").append(rest);
        const auto syntax = table().find(instruction.keyword);
        if (syntax == table().end()) unknown(instruction.keyword);
        rest = take_flags(instruction, rest, syntax->second.flags);
        (this->*syntax->second.parse)(instruction, rest);
        return instruction;
    }

private:
    using Parse = void (InstructionParser::*)(Instruction&, std::string_view);
    struct Syntax {
        Parse parse;
        std::set<std::string, std::less<>> flags;
    };

    static const std::map<std::string, Syntax, std::less<>>& table() {
        using P = InstructionParser;
        static const std::map<std::string, Syntax, std::less<>> syntaxes{
            {"ADD",
             {&P::copy,
              {"chown", "chmod", "link", "keep-git-dir", "checksum", "exclude", "unpack"}}},
            {"ARG", {&P::arg, {}}},
            {"CMD", {&P::command, {}}},
            {"COPY", {&P::copy, {"from", "chown", "chmod", "link", "parents", "exclude"}}},
            {"ENTRYPOINT", {&P::command, {}}},
            {"ENV", {&P::name_values, {}}},
            {"EXPOSE", {&P::list, {}}},
            {"FROM", {&P::from, {"platform"}}},
            {"HEALTHCHECK",
             {&P::health, {"interval", "timeout", "start-period", "start-interval", "retries"}}},
            {"LABEL", {&P::name_values, {}}},
            {"MAINTAINER", {&P::single, {}}},
            {"ONBUILD", {&P::on_build, {}}},
            {"RUN", {&P::run, {"mount", "network", "security"}}},
            {"SHELL", {&P::shell, {}}},
            {"STOPSIGNAL", {&P::single, {}}},
            {"USER", {&P::single, {}}},
            {"VOLUME", {&P::list, {}}},
            {"WORKDIR", {&P::single, {}}},
        };
        return syntaxes;
    }

    [[noreturn]] void fail(std::string_view what) const { throw_parse_error(file_, line_, what); }

    [[noreturn]] void unknown(const std::string& keyword) const {
        std::string message = "unknown instruction: " + keyword;
        const auto typed = std::string_view(keyword).substr(0, 20);
        for (std::size_t edits = 1; edits <= 2 && 2 * edits < typed.size(); ++edits) {
            for (const auto& [known, syntax] : table()) {
                if (distance(typed, known) == edits)
                    fail(message + " (did you mean " + known + "?)");
            }
        }
        fail(message);
    }

    void need(const Instruction& instruction, std::string_view rest) const {
        if (rest.empty()) fail(instruction.keyword + " requires at least one argument");
    }

    std::string_view take_flags(Instruction& instruction, std::string_view rest,
                                const std::set<std::string, std::less<>>& known) const {
        static const std::set<std::string, std::less<>> switches{"link", "parents", "keep-git-dir",
                                                                 "unpack"};
        static const std::set<std::string, std::less<>> repeatable{"mount", "exclude"};
        // RUN and others without flags in older files may start with "--": only words that look
        // like flags are taken, "--" alone ends them.
        while (rest.starts_with("--")) {
            const auto word = first_word(rest);
            rest = trim(rest.substr(word.size()));
            if (word == "--") break;
            auto [name, value] = split_once(unquote(word.substr(2), escape_), '=');
            if (!known.contains(name)) fail("unknown flag: --" + name);
            if (!value && !switches.contains(name)) fail("missing a value on flag: --" + name);
            if (!repeatable.contains(name) && instruction.flag(name))
                fail("duplicate flag specified: --" + name);
            instruction.flags.emplace_back(name, value.value_or(""));
        }
        return rest;
    }

    [[nodiscard]] std::string_view first_word(std::string_view text) const {
        char quote = '\0';
        for (std::size_t at = 0; at < text.size(); ++at) {
            const char c = text[at];
            if (c == escape_ && quote != '\'') {
                ++at;
            } else if (quote == '\0' && (c == '"' || c == '\'')) {
                quote = c;
            } else if (c == quote) {
                quote = '\0';
            } else if (quote == '\0' && (c == ' ' || c == '\t')) {
                return text.substr(0, at);
            }
        }
        return text;
    }

    /// True and `args` set when `rest` is a JSON array of strings; anything else is shell form.
    static bool take_json(Instruction& instruction, std::string_view rest) {
        if (!rest.starts_with('[')) return false;
        const auto json = nlohmann::json::parse(rest, nullptr, false);
        if (!json.is_array()) return false;
        std::vector<std::string> args;
        for (const auto& element : json) {
            if (!element.is_string()) return false;
            args.push_back(element.get<std::string>());
        }
        instruction.args = std::move(args);
        instruction.exec_form = true;
        return true;
    }

    void command(Instruction& instruction, std::string_view rest) {
        if (instruction.keyword == "ENTRYPOINT") need(instruction, rest);
        if (take_json(instruction, rest) || rest.empty()) return;
        instruction.args = {std::string(rest)};
    }

    void run(Instruction& instruction, std::string_view rest) {
        need(instruction, rest);
        if (!instruction.heredocs.empty() || !take_json(instruction, rest))
            instruction.args = {std::string(rest)};
        if (instruction.args.empty()) need(instruction, "");
    }

    void copy(Instruction& instruction, std::string_view rest) {
        if (!instruction.heredocs.empty() || !take_json(instruction, rest)) {
            instruction.args.clear();
            for (const auto& word : split_words(rest, escape_)) instruction.args.push_back(word);
        }
        if (instruction.args.empty())
            fail(instruction.keyword + " requires at least two arguments");
        if (instruction.args.size() == 1) {
            fail(instruction.keyword +
                 " requires at least two arguments, but only one was provided. Destination could "
                 "not be determined");
        }
    }

    void list(Instruction& instruction, std::string_view rest) {
        need(instruction, rest);
        if (instruction.keyword == "VOLUME" && take_json(instruction, rest)) {
            if (instruction.args.empty()) need(instruction, "");
        } else {
            instruction.args = split_words(rest, escape_);
        }
        for (const auto& arg : instruction.args) {
            if (trim(arg).empty())
                fail(instruction.keyword + " specified can not be an empty string");
        }
    }

    void single(Instruction& instruction, std::string_view rest) {
        if (rest.empty()) fail(instruction.keyword + " requires exactly one argument");
        instruction.args = {std::string(rest)};
    }

    /// ENV and LABEL: "name value…" or "name=value name=value …".
    void name_values(Instruction& instruction, std::string_view rest) {
        need(instruction, rest);
        const auto words = split_words(rest, escape_);
        if (words.front().find('=') == std::string::npos) {
            if (words.size() < 2) fail(instruction.keyword + " must have two arguments");
            const auto value = trim(rest.substr(words.front().size()));
            instruction.pairs.emplace_back(words.front(), std::string(value));
            return;
        }
        for (const auto& word : words) {
            auto [name, value] = split_once(word, '=');
            if (!value) {
                fail("Syntax error - can't find = in \"" + word +
                     "\". Must be of the form: name=value");
            }
            if (name.empty()) fail(instruction.keyword + " names can not be blank");
            instruction.pairs.emplace_back(std::move(name), std::move(value));
        }
    }

    void arg(Instruction& instruction, std::string_view rest) {
        need(instruction, rest);
        for (const auto& word : split_words(rest, escape_)) {
            auto [name, value] = split_once(word, '=');
            name = unquote(name, escape_);
            if (name.empty()) fail("ARG names can not be blank");
            instruction.pairs.emplace_back(std::move(name), std::move(value));
        }
    }

    void from(Instruction& instruction, std::string_view rest) {
        instruction.args = split_words(rest, escape_);
        const auto& args = instruction.args;
        if (args.size() != 1 && (args.size() != 3 || to_lower(args[1]) != "as")) {
            fail("FROM requires either one or three arguments");
        }
        if (args.size() == 3 && !valid_stage_name(to_lower(args[2]))) {
            fail("invalid name for build stage: \"" + args[2] +
                 "\", name can't start with a number or contain symbols");
        }
    }
    static bool valid_stage_name(std::string_view name) {
        if (name.empty() || std::islower(static_cast<unsigned char>(name.front())) == 0)
            return false;
        return std::all_of(name.begin(), name.end(), [](unsigned char c) {
            return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '-' || c == '_' || c == '.';
        });
    }

    void shell(Instruction& instruction, std::string_view rest) {
        if (!take_json(instruction, rest)) fail("SHELL requires the arguments to be in JSON form");
        if (instruction.args.empty()) need(instruction, "");
    }

    /// args: {"NONE"}, {"CMD", …} or {"CMD-SHELL", text}.
    void health(Instruction& instruction, std::string_view rest) {
        need(instruction, rest);
        const auto type = upper(rest.substr(0, rest.find_first_of(" \t")));
        const auto probe = trim(rest.substr(std::min(rest.size(), type.size())));
        if (type == "NONE") {
            if (!probe.empty()) fail("HEALTHCHECK NONE takes no arguments");
            instruction.args = {"NONE"};
            return;
        }
        if (type != "CMD") fail("Unknown type \"" + type + "\" in HEALTHCHECK (try CMD)");
        if (probe.empty()) fail("Missing command after HEALTHCHECK CMD");
        if (take_json(instruction, probe)) {
            instruction.args.insert(instruction.args.begin(), "CMD");
        } else {
            instruction.args = {"CMD-SHELL", std::string(probe)};
        }
    }

    void on_build(Instruction& instruction, std::string_view rest) {
        need(instruction, rest);
        const auto keyword = upper(rest.substr(0, rest.find_first_of(" \t")));
        if (keyword == "ONBUILD") fail("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
        if (keyword == "FROM" || keyword == "MAINTAINER")
            fail(keyword + " isn't allowed as an ONBUILD trigger");
        instruction.args = {std::string(rest)};
        instruction.trigger = std::make_shared<const Instruction>(
            InstructionParser(file_, escape_).parse({line_, std::string(rest), {}}));
    }

    const std::string& file_;
    char escape_;
    int line_ = 0;
};

Stage make_stage(Instruction from) {
    Stage stage;
    stage.base = from.args.front();
    if (from.args.size() == 3) stage.name = to_lower(from.args[2]);
    stage.platform = from.flag("platform").value_or("");
    stage.from = std::move(from);
    return stage;
}

}  // namespace

std::optional<std::string> Instruction::flag(std::string_view name) const {
    for (const auto& [known, value] : flags) {
        if (known == name) return value;
    }
    return std::nullopt;
}

Dockerfile Dockerfile::parse(std::string_view text, std::string name) {
    Dockerfile result;
    result.name = std::move(name);
    if (text.find('\0') != std::string_view::npos) {
        throw Error(ErrorKind::invalid_argument, "{}: not a text file", result.name);
    }
    auto [escape, lines] = read_lines(text, result.name);
    result.escape = escape;
    if (lines.empty()) {
        throw Error(ErrorKind::invalid_argument,
                    "the Dockerfile ({}) cannot be empty: it has no instructions", result.name);
    }
    InstructionParser parser(result.name, escape);
    for (auto& line : lines) {
        auto instruction = parser.parse(std::move(line));
        if (instruction.keyword == "FROM") {
            result.stages.push_back(make_stage(std::move(instruction)));
        } else if (!result.stages.empty()) {
            result.stages.back().instructions.push_back(std::move(instruction));
        } else if (instruction.keyword == "ARG") {
            result.global_args.push_back(std::move(instruction));
        } else {
            throw_parse_error(
                result.name, instruction.line,
                "no build stage in current context (" + instruction.keyword + " before FROM)");
        }
    }
    if (result.stages.empty()) {
        throw Error(ErrorKind::invalid_argument,
                    "{}: no build stage in current context (there is no FROM)", result.name);
    }
    return result;
}

Instruction Dockerfile::parse_instruction(std::string_view text, const std::string& name,
                                          int line) {
    return InstructionParser(name, '\\').parse({line, std::string(trim(text)), {}});
}

}  // namespace brig::build
