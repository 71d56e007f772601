// What the endpoints about registries have in common: credentials and progress in docker's forms.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "api/http.h"
#include "api/streams.h"
#include "image/transfers.h"
#include "oci/reference.h"
#include "registry/settings.h"

namespace brig::api {

/// X-Registry-Auth. Throws Error{invalid_argument} for what is malformed.
registry::Credentials registry_credentials(const Request& request);
/// X-Registry-Config: of several registries, by their names.
std::map<std::string, registry::Credentials> all_credentials(const Request& request);
/// The same from a JSON document (POST /auth).
registry::Credentials credentials_from_json(const nlohmann::json& json);
/// A server as docker's clients call it, as a registry's name: "https://index.docker.io/v1/" is
/// docker.io.
std::string registry_of(std::string server);
/// One event as docker's message, with a bar for older clients.
void write_event(JsonLines& lines, const image::TransferEvent& event);
/// An image's name here and, where that differs, in its registry: ssh://HOST/PATH/NAME is NAME
/// here.
struct ImageName {
    oci::Reference name;
    std::optional<oci::Reference> remote;

    [[nodiscard]] const oci::Reference& there() const { return remote ? *remote : name; }
    /// The same repository with another tag.
    [[nodiscard]] ImageName with_tag(const std::string& tag) const;
};
/// With the tag or digest that came beside it. Throws Error{invalid_argument}.
ImageName image_name_param(const std::string& name, const std::string& tag_or_digest);
/// A name with the tag or digest that came beside it; neither: the tag latest.
oci::Reference reference_param(const std::string& name, const std::string& tag_or_digest);

}  // namespace brig::api
