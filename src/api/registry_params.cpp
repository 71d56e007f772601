// See registry_params.h.
#include "api/registry_params.h"

#include <nlohmann/json.hpp>

#include "api/reply.h"
#include "base/base64.h"
#include "base/human_size.h"
#include "base/strings.h"
#include "oci/document.h"
#include "oci/ssh_name.h"

namespace brig::api {
namespace {

constexpr std::size_t max_credentials = 1U << 20U;

/// An object in base64; null where the header is empty or says so.
nlohmann::json json_header(const Request& request, const std::string& name) {
    const auto header = request.header(to_lower(name));
    if (header.empty()) return nullptr;
    const auto text = from_base64(header);
    if (!text || text->size() > max_credentials)
        throw Error(ErrorKind::invalid_argument, "invalid {} header", name);
    auto json = nlohmann::json::parse(*text, nullptr, false);
    if (json.is_null() || text->empty()) return nullptr;
    if (!json.is_object()) throw Error(ErrorKind::invalid_argument, "invalid {} header", name);
    return json;
}

}  // namespace

registry::Credentials credentials_from_json(const nlohmann::json& json) {
    namespace fields = oci::fields;
    registry::Credentials out{.username = fields::string(json, "username"),
                              .password = fields::string(json, "password"),
                              .identity_token = fields::string(json, "identitytoken"),
                              .registry_token = fields::string(json, "registrytoken")};
    if (const auto both = fields::string(json, "auth"); out.username.empty() && !both.empty()) {
        const auto text = from_base64(both).value_or("");
        const auto colon = text.find(':');
        if (colon != std::string::npos) {
            out.username = text.substr(0, colon);
            out.password = text.substr(colon + 1);
        }
    }
    return out;
}

std::string registry_of(std::string server) {
    for (const std::string_view scheme : {"https://", "http://"}) {
        if (server.starts_with(scheme)) server.erase(0, scheme.size());
    }
    server = server.substr(0, server.find('/'));
    if (server.empty() || server == "index.docker.io" || server == "registry-1.docker.io")
        return "docker.io";
    return server;
}

registry::Credentials registry_credentials(const Request& request) {
    const auto json = json_header(request, "X-Registry-Auth");
    return json.is_null() ? registry::Credentials() : credentials_from_json(json);
}

std::map<std::string, registry::Credentials> all_credentials(const Request& request) {
    std::map<std::string, registry::Credentials> out;
    const auto json = json_header(request, "X-Registry-Config");
    for (const auto& [server, entry] : json.items()) {
        if (entry.is_object()) out[registry_of(server)] = credentials_from_json(entry);
    }
    return out;
}

void write_event(JsonLines& lines, const image::TransferEvent& event) {
    nlohmann::json message{{"status", event.status}};
    if (!event.id.empty()) {
        message["id"] = event.id;
        message["progressDetail"] = nlohmann::json::object();
    }
    if (event.total > 0) {
        message["progressDetail"] = {{"current", event.current}, {"total", event.total}};
        message["progress"] = progress_bar(event.current, event.total);
    }
    lines.write(message);
}

ImageName ImageName::with_tag(const std::string& tag) const {
    ImageName out = *this;
    out.name = reference_param(name.name(), tag);
    if (out.remote) {
        out.remote->tag = out.name.tag;
        out.remote->digest = out.name.digest;
    }
    return out;
}

ImageName image_name_param(const std::string& name, const std::string& tag_or_digest) {
    if (!oci::is_ssh_address(name)) return {reference_param(name, tag_or_digest), {}};
    const bool is_digest = tag_or_digest.find(':') != std::string::npos;
    const auto separator = tag_or_digest.empty() ? "" : is_digest ? "@" : ":";
    const auto parsed = oci::parse_ssh_name(name + separator + tag_or_digest);
    return {parsed->local, parsed->remote()};
}

oci::Reference reference_param(const std::string& name, const std::string& tag_or_digest) {
    std::string text = name;
    if (!tag_or_digest.empty())
        text += (tag_or_digest.find(':') == std::string::npos ? ":" : "@") + tag_or_digest;
    return oci::Reference::parse(text);
}

}  // namespace brig::api
