// tag, rmi, image prune: names of images, and images without.
#include "base/strings.h"
#include "cli/commands.h"
#include "cli/filters.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/prune.h"
#include "oci/reference.h"

namespace brig::cli {
namespace {

std::string image_path(const std::string& name) { return "/images/" + client::encode(name); }

oci::Reference parse_name(const std::string& name) {
    try {
        return oci::Reference::parse(name);
    } catch (const Error& error) {
        throw Failure(
            1, fmt::format("Error parsing reference: {:?} is not a valid repository/tag: {}", name,
                           error.message()));
    }
}

void print_removed(const Json& items) {
    for (const Json& item : items) {
        if (const auto name = text_of(item, "Untagged"); !name.empty())
            print_line("Untagged: " + name);
        if (const auto id = text_of(item, "Deleted"); !id.empty()) print_line("Deleted: " + id);
    }
}

}  // namespace

int tag(Invocation& in) {
    const auto names = in.parse();
    const auto& target = names[1];
    if (!oci::looks_like_id(names[0])) parse_name(names[0]);
    if (parse_name(target).digest)
        throw Failure(1, "refusing to create a tag with a digest reference");
    const auto colon = target.rfind(':');
    const bool has_tag = colon != std::string::npos && target.find('/', colon) == std::string::npos;
    client::Query query;
    query.add("repo", target.substr(0, has_tag ? colon : std::string::npos));
    query.add("tag", has_tag ? target.substr(colon + 1) : "latest");
    in.engine().call("POST", image_path(names[0]) + "/tag" + query.str());
    return 0;
}

int rmi(Invocation& in) {
    bool force = false;
    bool no_prune = false;
    in.flags.toggle("force,f", force, "Remove all names, and an image that stopped containers use");
    in.flags.toggle("no-prune", no_prune, "Keep untagged parents");
    const auto names = in.parse();
    client::Query query;
    query.flag("force", force).flag("noprune", no_prune);
    bool failed = false;
    for_each_name(names, [&](const std::string& name) {
        try {
            print_removed(
                parse_json(in.engine().call("DELETE", image_path(name) + query.str()).body));
        } catch (const client::ApiError& error) {
            failed = failed || !force || error.status() != 404;
            throw;
        }
    });
    return failed ? 1 : 0;
}

int image_prune(Invocation& in) {
    bool all = false;
    bool force = false;
    std::vector<std::string> filters;
    in.flags.toggle("all,a", all,
                    "Remove every image that no container uses, not only untagged ones");
    in.flags.toggle("force,f", force, "Do not ask");
    declare_filters(in.flags, "filter", filters, "Only those that match (until=…, label=…)");
    in.parse();
    const std::string what = all ? "all images without at least one container associated to them"
                                 : "all dangling images";
    if (!force &&
        !confirm("WARNING! This will remove " + what + ".\nAre you sure you want to continue?"))
        return 0;
    print_reclaimed(prune_images(in.engine(), filters, all));
    return 0;
}

}  // namespace brig::cli
