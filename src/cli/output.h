// Where commands write. Standard output is buffered and in order with standard error.
#pragma once

#include <string_view>

namespace brig::cli {

/// Thrown when nobody reads our output any more (brig logs x | head).
struct OutputClosed {};

void print(std::string_view text);
void print_line(std::string_view text);
/// Everything printed so far reaches the descriptor. Throws OutputClosed.
void flush_output();
/// One line on standard error.
void print_error(std::string_view text);
bool output_is_terminal();
/// Columns of the terminal on standard output; 80 where there is none.
int terminal_width();

}  // namespace brig::cli
