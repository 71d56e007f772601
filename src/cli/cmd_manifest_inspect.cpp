// manifest inspect: a list that is being made here, or else what a registry has.
#include "base/base64.h"
#include "cli/listing.h"
#include "cli/manifest_draft.h"
#include "cli/output.h"
#include "cli/registry_commands.h"
#include "cli/registry_request.h"
#include "oci/ssh_name.h"

namespace brig::cli {
namespace {

std::string raw_manifest(client::Client& engine, const std::string& name) {
    try {
        return registry_call(engine, {"GET", distribution_path(name) + "/manifest", name}).body;
    } catch (const client::ApiError& error) {
        if (error.kind() != ErrorKind::not_found) throw;
        throw Failure(1, "no such manifest: " + name);
    }
}

/// The repository without tag or digest.
std::string repository_of(const std::string& name) {
    if (const auto ssh = oci::parse_ssh_name(name)) return ssh->address + "//" + ssh->path;
    return oci::Reference::parse(name).name();
}

/// A manifest as docker describes it: where it is, what it is, its bytes, and what these say.
Json in_detail(const std::string& name, const Json& descriptor, const std::string& raw) {
    const Json document = parse_json(raw);
    const auto type = text_of(document, "mediaType", text_of(descriptor, "mediaType"));
    const bool is_docker = type.find("docker") != std::string::npos;
    Json shown = {{"mediaType", type},
                  {"digest", at_path(descriptor, "digest")},
                  {"size", at_path(descriptor, "size")}};
    shown.update(descriptor);
    shown["mediaType"] = type;
    return {{"Ref", name},
            {"Descriptor", std::move(shown)},
            {"Raw", base64(raw)},
            {is_docker ? "SchemaV2Manifest" : "OCIManifest", document}};
}

Json all_in_detail(client::Client& engine, const std::string& name, const Json& document,
                   const std::string& raw) {
    const Json& members = at_path(document, "manifests");
    if (!members.is_array()) {
        const Json found = parse_json(
            registry_call(engine, {"GET", distribution_path(name) + "/json", name}).body);
        Json descriptor = at_path(found, "Descriptor");
        if (const Json& platforms = at_path(found, "Platforms"); !platforms.empty())
            descriptor["platform"] = platforms.front();
        return in_detail(name, descriptor, raw);
    }
    Json out = Json::array();
    for (const Json& member : members) {
        const auto at = text_of(member, ManifestDraft::source_key,
                                repository_of(name) + "@" + text_of(member, "digest"));
        Json descriptor = member;
        descriptor.erase(ManifestDraft::source_key);
        out.push_back(in_detail(at, descriptor, raw_manifest(engine, at)));
    }
    return out;
}

}  // namespace

int manifest_inspect(Invocation& in) {
    bool verbose = false, insecure = false;
    in.flags.toggle("verbose,v", verbose, "With every manifest of a list, and their digests");
    in.flags.toggle("insecure", insecure, "Accepted for docker's sake: the engine's setting counts")
        .hide();
    const auto name = in.parse()[0];
    std::string raw;
    Json document;
    if (!oci::is_ssh_address(name) && ManifestDraft(name).exists()) {
        document = ManifestDraft(name).load();
    } else {
        raw = raw_manifest(in.engine(), name);
        document = parse_json(raw);
    }
    if (verbose) {
        document = all_in_detail(in.engine(), name, document, raw);
    } else if (raw.empty()) {
        for (Json& member : document["manifests"]) member.erase(ManifestDraft::source_key);
    }
    print_line(document.dump(1, '\t', false, Json::error_handler_t::replace));
    return 0;
}

}  // namespace brig::cli
