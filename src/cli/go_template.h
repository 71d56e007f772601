// Go's text/template, as far as users of --format need it: fields, pipelines, if/range/with,
// variables, comparison and text functions, and docker's own json, join, upper, pad, ….
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "cli/json.h"

namespace brig::cli {

namespace go_template {
struct Block;
}

/// A parsed template. Immutable; copies share the tree.
class GoTemplate {
public:
    /// Throws Error{invalid_argument}: "template: :1: unclosed action".
    explicit GoTemplate(std::string_view text);

    /// Throws Error{invalid_argument} naming the field or function at fault.
    [[nodiscard]] std::string execute(const Json& data) const;
    /// The same for a table's header: functions pass their value through, `.Label "x"` is "x".
    [[nodiscard]] std::string execute_header(const Json& names) const;

private:
    std::shared_ptr<const go_template::Block> root_;
};

/// In rows for templates: the key of an object that `.Label "name"` looks into. Never printed.
inline constexpr const char* label_lookup_key = "\x01labels";

}  // namespace brig::cli
