// See registry_request.h.
#include "cli/registry_request.h"

#include "cli/registry_login.h"
#include "oci/ssh_name.h"

namespace brig::cli {

client::Reply registry_call(client::Client& engine, const RegistryRequest& request) {
    client::Request out{.method = request.method, .target = request.target};
    // SSH has keys of its own.
    if (!oci::is_ssh_address(request.image)) {
        if (const auto auth = registry_auth(request.image); !auth.empty())
            out.headers.push_back({"X-Registry-Auth", auth});
    }
    if (!request.content_type.empty()) out.content_type = request.content_type;
    out.body = request.body;
    client::Exchange exchange = engine.begin(std::move(out));
    client::Reply reply;
    reply.status = exchange.response().status;
    reply.body = exchange.read_all();
    return reply;
}

std::string distribution_path(const std::string& image) {
    if (const auto ssh = oci::parse_ssh_name(image)) {
        auto name = ssh->address + "//" + ssh->path;
        if (ssh->local.digest) {
            name += "@" + ssh->local.digest->str();
        } else if (!ssh->local.tag.empty()) {
            name += ":" + ssh->local.tag;
        }
        return "/distribution/" + client::encode(name);
    }
    return "/distribution/" + client::encode(oci::Reference::parse(image).str());
}

}  // namespace brig::cli
