// Which function answers which request.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace brig::http {

using Handler = std::function<Reply(Request&)>;

struct Route {
    std::string method;
    std::vector<std::string> pattern;
    Handler handler;  ///< empty: known, not implemented
    BodyMode body = BodyMode::buffered;
};

class Router {
public:
    /// "/containers/{id}/json": {name} matches one part of the path, {name*} one or more (image
    /// names have slashes in them). Earlier routes win.
    void add(std::string_view method, std::string_view pattern, Handler handler,
             BodyMode body = BodyMode::buffered);
    /// An endpoint of Docker's that answers 501.
    void add_missing(std::string_view method, std::string_view pattern);

    struct Match {
        const Route* route;
        std::map<std::string, std::string> parameters;
    };
    [[nodiscard]] std::optional<Match> find(std::string_view method, std::string_view path) const;

private:
    std::vector<Route> routes_;
};

}  // namespace brig::http
