// See progress.h.
#include "cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <vector>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/units.h"
#include "os/terminal.h"

namespace brig::cli {
namespace {

class ProgressView {
public:
    explicit ProgressView(const ProgressOptions& options)
        : options_(options),
          terminal_(os::is_terminal(options.to_stderr ? STDERR_FILENO : STDOUT_FILENO)) {}

    void show(const Json& message) {
        if (const Json& error = at_path(message, "errorDetail"); error.is_object())
            fail(message, error);
        if (message.contains("error")) fail(message, Json::object());
        if (const Json& aux = at_path(message, "aux"); !aux.is_null() && options_.on_aux)
            options_.on_aux(aux);
        if (const std::string text = text_of(message, "stream"); !text.empty())
            write(text);
        else if (message.contains("status"))
            show_status(message);
    }

private:
    [[noreturn]] static void fail(const Json& message, const Json& detail) {
        const std::string text = text_of(detail, "message", text_of(message, "error"));
        const auto code = static_cast<int>(number_of(detail, "code", 1));
        throw Failure(code > 0 && code < 256 ? code : 1, text);
    }

    void write(const std::string& text) {
        if (options_.quiet) return;
        if (options_.to_stderr) {
            write_all(STDERR_FILENO, text);
        } else {
            print(text);
            flush_output();
        }
    }

    void show_status(const Json& message) {
        const std::string id = text_of(message, "id");
        const std::string bar = progress_of(message);
        // Without a terminal there is no line to overwrite: intermediate states stay unsaid.
        if (!terminal_) {
            if (bar.empty()) write(line_of(message, id, ""));
            return;
        }
        if (id.empty()) return write(line_of(message, id, bar));
        auto it = std::ranges::find(lines_, id);
        const bool known = it != lines_.end();
        const auto up = static_cast<int>(lines_.end() - it);
        if (!known) lines_.push_back(id);
        const std::string text = line_of(message, id, bar);
        write(known ? fmt::format("\x1b[{0}A\x1b[2K\r{1}\x1b[{0}B", up,
                                  text.substr(0, text.size() - 1) + "\r")
                    : text);
    }

    static std::string line_of(const Json& message, const std::string& id, const std::string& bar) {
        std::string line = id.empty() ? "" : id + ": ";
        line += text_of(message, "status");
        if (!bar.empty()) line += " " + bar;
        return line + "\n";
    }

    static std::string progress_of(const Json& message) {
        const Json& detail = at_path(message, "progressDetail");
        const auto current = number_of(detail, "current");
        const auto total = number_of(detail, "total");
        if (current <= 0 && total <= 0) return {};
        if (total <= 0) return human_size(static_cast<double>(current));
        return progress_bar(static_cast<std::uint64_t>(std::max<std::int64_t>(current, 0)),
                            static_cast<std::uint64_t>(total));
    }

    const ProgressOptions& options_;
    bool terminal_;
    std::vector<std::string> lines_;
};

}  // namespace

void show_progress(client::Exchange& exchange, const ProgressOptions& options) {
    ProgressView view(options);
    exchange.each_line([&](std::string_view line) { view.show(parse_json(line)); });
}

}  // namespace brig::cli
