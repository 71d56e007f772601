// The first pass over a Dockerfile: logical lines. It knows comments, continuations, parser
// directives and where a here-document ends, and nothing about instructions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "build/dockerfile.h"

namespace brig::build {

struct LogicalLine {
    int number = 0;    ///< of its first physical line, from 1
    std::string text;  ///< without continuations, comments and surrounding white space
    std::vector<Heredoc> heredocs;
};

struct Lines {
    char escape = '\\';
    std::vector<LogicalLine> lines;
};

/// Throws Error{invalid_argument} that names `file` and line.
Lines read_lines(std::string_view text, const std::string& file);

/// The form of every mistake in a Dockerfile: file and line first for people and editors, then
/// docker's own words.
[[noreturn]] void throw_parse_error(const std::string& file, int line, std::string_view what);

}  // namespace brig::build
