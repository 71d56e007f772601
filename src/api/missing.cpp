// All endpoints of Docker's API 1.51 that answer 501 where nothing else answers: what they name is
// Docker's, so 404 would be wrong.
#include "api/context.h"
#include "base/strings.h"

namespace brig::api {
namespace {

constexpr std::string_view endpoints[] = {
    "GET /containers/{id}/attach/ws",
    "POST /build/cancel",
    "POST /session",
    "POST /grpc",
    "PUT /volumes/{name}",
    "POST /networks/create",
    "DELETE /networks/{id}",
    "POST /networks/{id}/connect",
    "POST /networks/{id}/disconnect",
    "GET /plugins",
    "GET /plugins/privileges",
    "POST /plugins/pull",
    "POST /plugins/create",
    "DELETE /plugins/{name*}",
    "POST /plugins/{name*}/enable",
    "POST /plugins/{name*}/disable",
    "POST /plugins/{name*}/upgrade",
    "POST /plugins/{name*}/push",
    "POST /plugins/{name*}/set",
    "GET /nodes",
    "GET /nodes/{id}",
    "DELETE /nodes/{id}",
    "POST /nodes/{id}/update",
    "GET /swarm",
    "POST /swarm/init",
    "POST /swarm/join",
    "POST /swarm/leave",
    "POST /swarm/update",
    "GET /swarm/unlockkey",
    "POST /swarm/unlock",
    "GET /services",
    "POST /services/create",
    "GET /services/{id}",
    "DELETE /services/{id}",
    "POST /services/{id}/update",
    "GET /services/{id}/logs",
    "GET /tasks",
    "GET /tasks/{id}",
    "GET /tasks/{id}/logs",
    "GET /secrets",
    "POST /secrets/create",
    "GET /secrets/{id}",
    "DELETE /secrets/{id}",
    "POST /secrets/{id}/update",
    "GET /configs",
    "POST /configs/create",
    "GET /configs/{id}",
    "DELETE /configs/{id}",
    "POST /configs/{id}/update",
};

}  // namespace

void add_missing_routes(Router& router) {
    // `docker inspect NAME` tries this last: not found is all there is to say.
    router.add("GET", "/plugins/{name*}/json", [](Request& request) -> Reply {
        throw Error(ErrorKind::not_found, "plugin \"{}\" not found", request.parameter("name"));
    });
    for (const auto endpoint : endpoints) {
        const auto [method, pattern] = split_once(endpoint, ' ');
        router.add_missing(method, *pattern);
    }
}

}  // namespace brig::api
