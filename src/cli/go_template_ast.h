// The tree between the template parser and its executor; only these two include it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "cli/json.h"

namespace brig::cli::go_template {

struct Block;

struct Pipeline;

struct Literal {
    Json value;
};
struct Dot {};
struct Field {
    std::vector<std::string> path;
};  ///< .A.B
struct Variable {
    std::string name;
    std::vector<std::string> path;
};  ///< $x.A; "" is $
struct Function {
    std::string name;
};
struct Group {
    std::shared_ptr<Pipeline> pipeline;
    std::vector<std::string> path;
};  ///< (…).A

using Operand = std::variant<Literal, Dot, Field, Variable, Function, Group>;

/// A first operand and the arguments that it is called with.
struct Call {
    std::vector<Operand> operands;
};

struct Pipeline {
    std::vector<std::string> declares;  ///< variables set to the value (range: index, element)
    bool assigns = false;               ///< "=" to an existing variable instead of ":="
    std::vector<Call> calls;
};

struct Text {
    std::string text;
};
struct Action {
    Pipeline pipeline;
};
enum class BranchKind { if_, range, with };
struct Branch {
    BranchKind kind = BranchKind::if_;
    Pipeline pipeline;
    std::shared_ptr<Block> body;
    std::shared_ptr<Block> otherwise;  ///< may be null
};

using Node = std::variant<Text, Action, Branch>;
struct Block {
    std::vector<Node> nodes;
};

std::shared_ptr<const Block> parse(std::string_view text);

/// Functions. Throws Error{invalid_argument}; `header`: pass the value through.
bool is_function(std::string_view name);
Json call_function(const std::string& name, const std::vector<Json>& arguments, bool header);
/// A value as a template prints it.
std::string printed(const Json& value);
bool is_true(const Json& value);

[[noreturn]] inline void fail(const std::string& message) {
    throw Error(ErrorKind::invalid_argument, "template: :1: " + message);
}

}  // namespace brig::cli::go_template
