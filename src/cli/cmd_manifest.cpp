// manifest create, annotate, push, rm: indexes of images that are in a registry already, one per
// platform. Until it is pushed, an index is a file beside docker's config.json.
#include <algorithm>

#include "base/strings.h"
#include "cli/manifest_draft.h"
#include "cli/output.h"
#include "cli/registry_commands.h"
#include "cli/registry_request.h"
#include "oci/reference.h"

namespace brig::cli {
namespace {

constexpr auto index_type = "application/vnd.oci.image.index.v1+json";
Json empty_index() {
    return {{"schemaVersion", 2}, {"mediaType", index_type}, {"manifests", Json::array()}};
}

/// Within one registry what a list names can be copied to the list's own repository.
void check_place(const oci::Reference& list, const oci::Reference& member) {
    if (member.domain == list.domain) return;
    throw Failure(1, fmt::format("cannot use source images from a different registry than the "
                                 "target image: {} != {}",
                                 member.domain, list.domain));
}

Json describe(client::Client& engine, const oci::Reference& member) {
    const auto answer =
        registry_call(engine, {"GET", distribution_path(member.str()) + "/json", member.str()});
    const Json found = parse_json(answer.body);
    const Json& descriptor = at_path(found, "Descriptor");
    const Json& platforms = at_path(found, "Platforms");
    if (text_of(descriptor, "mediaType").find("manifest.v") == std::string::npos ||
        platforms.size() != 1) {
        throw Failure(1, fmt::format("{} is an index itself, or no image", member.familiar()));
    }
    Json out = descriptor;
    out["platform"] = platforms[0];
    return out;
}

/// A registry looks for what an index names in the index's own repository.
void gather_members(client::Client& engine, const oci::Reference& list, Json& index) {
    for (Json& member : index["manifests"]) {
        const auto source = text_of(member, ManifestDraft::source_key);
        if (source.empty()) continue;
        client::Query query;
        query.add("from", source);
        registry_call(
            engine, {"POST", distribution_path(list.name()) + "/copy" + query.str(), list.name()});
        member.erase(ManifestDraft::source_key);
    }
}

/// The member that `wanted` names by digest, or by a tag that leads to it.
Json& find_member(client::Client& engine, Json& index, const oci::Reference& wanted) {
    const auto digest =
        wanted.digest ? wanted.digest->str() : text_of(describe(engine, wanted), "digest");
    for (Json& member : index["manifests"]) {
        if (text_of(member, "digest") == digest) return member;
    }
    throw Failure(1, fmt::format("{} is not in the manifest list", wanted.familiar()));
}

}  // namespace

int manifest_create(Invocation& in) {
    bool amend = false, insecure = false;
    in.flags.toggle("amend,a", amend, "Add to one that there is");
    in.flags.toggle("insecure", insecure, "Accepted for docker's sake").hide();
    const auto words = in.parse();
    const ManifestDraft draft(words[0]);
    if (draft.exists() && !amend)
        throw Failure(1, "refusing to amend an existing manifest list with no --amend flag");
    Json index = draft.exists() ? draft.load() : empty_index();
    for (std::size_t i = 1; i < words.size(); ++i) {
        const auto member = oci::Reference::parse(words[i]).with_default_tag();
        check_place(draft.name(), member);
        Json found = describe(in.engine(), member);
        if (member.name() != draft.name().name())
            found[ManifestDraft::source_key] = member.name() + "@" + text_of(found, "digest");
        auto& members = index["manifests"];
        std::erase_if(members.get_ref<Json::array_t&>(), [&](const Json& other) {
            return text_of(other, "digest") == text_of(found, "digest");
        });
        members.push_back(std::move(found));
    }
    draft.save(index);
    print_line("Created manifest list " + draft.name().str());
    return 0;
}

int manifest_annotate(Invocation& in) {
    std::string os, architecture, variant, os_version;
    std::vector<std::string> features;
    in.flags.text("os", os, "Operating system");
    in.flags.text("arch", architecture, "Architecture");
    in.flags.text("variant", variant, "Variant of the architecture");
    in.flags.text("os-version", os_version, "Version of the operating system");
    in.flags.list("os-features", features, "Features of the operating system");
    const auto words = in.parse();
    const ManifestDraft draft(words[0]);
    Json index = draft.load();
    Json& platform = find_member(in.engine(), index,
                                 oci::Reference::parse(words[1]).with_default_tag())["platform"];
    const auto set = [&](const char* key, const std::string& value) {
        if (!value.empty()) platform[key] = value;
    };
    set("os", os);
    set("architecture", architecture);
    set("variant", variant);
    set("os.version", os_version);
    if (!features.empty()) platform["os.features"] = features;
    draft.save(index);
    return 0;
}

int manifest_push(Invocation& in) {
    bool purge = false, insecure = false;
    in.flags.toggle("purge,p", purge, "Forget the local list once it is pushed");
    in.flags.toggle("insecure", insecure, "Accepted for docker's sake").hide();
    const auto words = in.parse();
    const ManifestDraft draft(words[0]);
    const auto name = draft.name().str();
    Json index = draft.load();
    gather_members(in.engine(), draft.name(), index);
    const auto answer = registry_call(in.engine(), {.method = "PUT",
                                                    .target = distribution_path(name) + "/manifest",
                                                    .image = name,
                                                    .body = index.dump(),
                                                    .content_type = index_type});
    print_line(text_of(parse_json(answer.body), "Digest"));
    if (purge) draft.remove();
    return 0;
}

int manifest_remove(Invocation& in) {
    return for_each_name(in.parse(), [](const std::string& name) {
        const ManifestDraft draft(name);
        (void)draft.load();
        draft.remove();
    });
}

}  // namespace brig::cli
