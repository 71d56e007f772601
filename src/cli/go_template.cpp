// Executes a parsed template on a JSON value.
#include "cli/go_template.h"

#include "cli/go_template_ast.h"

namespace brig::cli {
namespace {

using namespace go_template;

struct Scope {
    std::vector<std::pair<std::string, Json>> variables;

    Json* find(const std::string& name) {
        for (auto it = variables.rbegin(); it != variables.rend(); ++it) {
            if (it->first == name) return &it->second;
        }
        return nullptr;
    }
};

class Executor {
public:
    Executor(const Json& data, bool header) : header_(header) {
        scope_.variables.emplace_back("", data);
    }

    std::string run(const Block& block, const Json& dot) {
        std::string out;
        for (const Node& node : block.nodes) {
            std::visit([&](const auto& item) { out += execute(item, dot); }, node);
        }
        return out;
    }

private:
    static std::string execute(const Text& text, const Json& /*dot*/) { return text.text; }

    std::string execute(const Action& action, const Json& dot) {
        Json value = evaluate(action.pipeline, dot);
        if (action.pipeline.declares.empty()) return printed(value);
        if (action.pipeline.assigns) {
            Json* variable = scope_.find(action.pipeline.declares.front());
            if (variable == nullptr)
                fail("undefined variable \"$" + action.pipeline.declares.front() + "\"");
            *variable = std::move(value);
        } else {
            scope_.variables.emplace_back(action.pipeline.declares.front(), std::move(value));
        }
        return {};
    }

    std::string execute(const Branch& branch, const Json& dot) {
        const std::size_t depth = scope_.variables.size();
        const Json value = evaluate(branch.pipeline, dot);
        std::string out;
        if (branch.kind == BranchKind::range) {
            out = run_range(branch, value, dot);
        } else {
            if (!branch.pipeline.declares.empty()) {
                scope_.variables.emplace_back(branch.pipeline.declares.front(), value);
            }
            if (is_true(value))
                out = run(*branch.body, branch.kind == BranchKind::with ? value : dot);
            else if (branch.otherwise)
                out = run(*branch.otherwise, dot);
        }
        scope_.variables.resize(depth);
        return out;
    }

    std::string run_range(const Branch& branch, const Json& value, const Json& dot) {
        if (value.empty()) return branch.otherwise ? run(*branch.otherwise, dot) : std::string();
        if (!value.is_structured()) fail("range can't iterate over " + printed(value));
        if (value.is_array()) {
            std::string out;
            int index = 0;
            for (const Json& element : value) out += run_once(branch, Json(index++), element);
            return out;
        }
        std::string out;
        const nlohmann::json sorted = value;  // Go ranges over maps in the order of their keys
        for (const auto& [key, ignored] : sorted.items()) {
            out += run_once(branch, Json(key), value[key]);
        }
        return out;
    }

    std::string run_once(const Branch& branch, Json index, const Json& element) {
        const std::size_t depth = scope_.variables.size();
        const auto& names = branch.pipeline.declares;
        if (names.size() > 1) scope_.variables.emplace_back(names[0], std::move(index));
        if (!names.empty()) scope_.variables.emplace_back(names.back(), element);
        std::string out = run(*branch.body, element);
        scope_.variables.resize(depth);
        return out;
    }

    Json evaluate(const Pipeline& pipeline, const Json& dot) {
        Json value;
        bool first = true;
        for (const Call& call : pipeline.calls) {
            value = evaluate(call, dot, first ? nullptr : &value);
            first = false;
        }
        return value;
    }

    Json evaluate(const Call& call, const Json& dot, const Json* piped) {
        std::vector<Json> arguments;
        for (std::size_t i = 1; i < call.operands.size(); ++i) {
            arguments.push_back(evaluate(call.operands[i], dot));
        }
        if (piped != nullptr) arguments.push_back(*piped);
        const Operand& head = call.operands.front();
        if (const auto* function = std::get_if<Function>(&head)) {
            return call_function(function->name, arguments, header_);
        }
        if (arguments.empty()) return evaluate(head, dot);
        const auto* field = std::get_if<Field>(&head);
        if (field != nullptr && field->path.back() == "Label" && arguments[0].is_string()) {
            if (header_) return arguments[0];
            return at_path(dot, label_lookup_key).value(arguments[0].get<std::string>(), "");
        }
        fail("can't give argument to non-function");
    }

    Json evaluate(const Operand& operand, const Json& dot) {
        if (const auto* literal = std::get_if<Literal>(&operand)) return literal->value;
        if (const auto* field = std::get_if<Field>(&operand)) return follow(dot, field->path);
        if (const auto* variable = std::get_if<Variable>(&operand)) {
            const Json* value = scope_.find(variable->name);
            if (value == nullptr) fail("undefined variable \"$" + variable->name + "\"");
            return follow(*value, variable->path);
        }
        if (const auto* function = std::get_if<Function>(&operand)) {
            return call_function(function->name, {}, header_);
        }
        if (const auto* group = std::get_if<go_template::Group>(&operand)) {
            return follow(evaluate(*group->pipeline, dot), group->path);
        }
        return dot;
    }

    static Json follow(const Json& value, const std::vector<std::string>& path) {
        const Json* at = &value;
        for (const auto& name : path) {
            if (at->is_null())
                fail(fmt::format("executing \"\" at <.{}>: nil pointer evaluating", name));
            if (!at->is_object()) {
                fail(fmt::format("executing \"\" at <.{}>: can't evaluate field {} in {}", name,
                                 name, at->type_name()));
            }
            const auto it = at->find(name);
            if (it == at->end()) {
                fail(fmt::format("executing \"\" at <.{}>: map has no entry for key \"{}\"", name,
                                 name));
            }
            at = &*it;
        }
        return *at;
    }

    Scope scope_;
    bool header_;
};

}  // namespace

GoTemplate::GoTemplate(std::string_view text) : root_(parse(text)) {}

std::string GoTemplate::execute(const Json& data) const {
    return Executor(data, false).run(*root_, data);
}

std::string GoTemplate::execute_header(const Json& names) const {
    return Executor(names, true).run(*root_, names);
}

}  // namespace brig::cli
