// A Dockerfile as a tree: what was written, where, and nothing evaluated yet. Variables are still
// in place; words are split as each instruction's own syntax has it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace brig::build {

/// `<<NAME` of RUN, COPY and ADD, with the lines that followed.
struct Heredoc {
    std::string name;
    std::string content;
    bool expand = true;  ///< the name was not quoted
};

struct Instruction {
    int line = 0;          ///< of its first line in the file, from 1
    std::string keyword;   ///< upper case: "RUN"
    std::string original;  ///< the logical line: continuations joined, comments dropped
    std::vector<std::pair<std::string, std::string>>
        flags;               ///< {"from", "builder"}; `--link` → {"link", ""}
    bool exec_form = false;  ///< the arguments were a JSON array of strings
    std::vector<std::string> args;
    std::vector<std::pair<std::string, std::optional<std::string>>> pairs;  ///< ENV, LABEL, ARG
    std::vector<Heredoc> heredocs;
    std::shared_ptr<const Instruction> trigger;  ///< ONBUILD

    /// The value of a flag, or nothing when it was not given.
    [[nodiscard]] std::optional<std::string> flag(std::string_view name) const;
};

struct Stage {
    Instruction from;
    std::string base;      ///< may hold variables
    std::string name;      ///< of `AS name`, lower case; or empty
    std::string platform;  ///< of --platform; may hold variables
    std::vector<Instruction> instructions;
};

struct Dockerfile {
    std::string name;  ///< for messages: "Dockerfile"
    char escape = '\\';
    std::vector<Instruction> global_args;  ///< the ARGs before the first FROM
    std::vector<Stage> stages;

    /// Throws Error{invalid_argument}: "NAME:LINE: dockerfile parse error on line LINE: …".
    static Dockerfile parse(std::string_view text, std::string name = "Dockerfile");
    /// One instruction by itself, such as an image's ONBUILD trigger. Throws as parse().
    static Instruction parse_instruction(std::string_view text, const std::string& name, int line);
};

}  // namespace brig::build
