// See streams.h.
#include "api/streams.h"

#include <poll.h>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace brig::api {

void JsonLines::write(const nlohmann::json& message) {
    write_all(sink_,
              message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\r\n");
}

void JsonLines::stream(std::string_view text) { write({{"stream", text}}); }
void JsonLines::status(std::string_view text) { write({{"status", text}}); }

void JsonLines::error(std::string_view message) {
    write({{"errorDetail", {{"message", message}}}, {"error", message}});
}

bool JsonLines::gone() const {
    pollfd poll_for{sink_, 0, 0};
    return ::poll(&poll_for, 1, 0) == 1 && (poll_for.revents & (POLLHUP | POLLERR)) != 0;
}

Producer json_lines(std::function<void(JsonLines&)> work) {
    return [work = std::move(work)](int sink) {
        JsonLines lines(sink);
        try {
            work(lines);
        } catch (...) {
            if (!lines.gone()) lines.error(describe(std::current_exception()));
        }
    };
}

}  // namespace brig::api
