// See output.h.
#include "cli/output.h"

#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "os/terminal.h"

namespace brig::cli {
namespace {

constexpr std::size_t buffer_limit = 32U << 10U;

std::string& buffer() {
    static std::string text;
    return text;
}

}  // namespace

void print(std::string_view text) {
    buffer() += text;
    if (buffer().size() > buffer_limit) flush_output();
}

void print_line(std::string_view text) {
    print(text);
    print("\n");
}

void flush_output() {
    const std::string text = std::exchange(buffer(), {});
    if (text.empty()) return;
    try {
        write_all(STDOUT_FILENO, text);
    } catch (const SysError& error) {
        if (error.error_number() == EPIPE) throw OutputClosed{};
        throw Error(ErrorKind::internal, "write to standard output: {}", error.message());
    }
}

void print_error(std::string_view text) {
    flush_output();
    std::string line(text);
    if (!line.ends_with('\n')) line += '\n';
    try {
        write_all(STDERR_FILENO, line);
    } catch (const SysError&) {
        // Nowhere left to say so.
    }
}

bool output_is_terminal() { return os::is_terminal(STDOUT_FILENO); }

int terminal_width() {
    const auto size = os::window_size(STDOUT_FILENO);
    return size && size->columns > 0 ? size->columns : 80;
}

}  // namespace brig::cli
