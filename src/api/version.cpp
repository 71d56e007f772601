// Clients ask /_ping for our version and then use the older of theirs and ours.
#include "api/version.h"

#include "base/error.h"
#include "base/strings.h"
#include "base/version.h"

namespace brig::api {
namespace {

bool is_version(std::string_view text) {
    const auto [major, minor] = split_once(text, '.');
    return minor && parse_int<unsigned>(major) && parse_int<unsigned>(*minor);
}

}  // namespace

void negotiate_version(Request& request) {
    request.version = api_version;
    const std::string_view path = request.path;
    if (!path.starts_with("/v")) return;
    const auto end = std::min(path.find('/', 1), path.size());
    const std::string asked(path.substr(2, end - 2));
    if (!is_version(asked)) return;
    request.version = asked;
    if (!request.at_least(min_api_version)) {
        throw Error(ErrorKind::invalid_argument,
                    "client version {} is too old. Minimum supported API version is {}, please "
                    "upgrade your client to a newer version",
                    asked, min_api_version);
    }
    Request newest;
    newest.version = api_version;
    if (!newest.at_least(asked)) {
        throw Error(ErrorKind::invalid_argument,
                    "client version {} is too new. Maximum supported API version is {}", asked,
                    api_version);
    }
    request.path.erase(0, end);
}

}  // namespace brig::api
