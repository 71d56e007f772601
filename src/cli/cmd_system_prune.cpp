// brig system prune: all the prune commands at once, in docker's order.
#include <algorithm>

#include "cli/commands.h"
#include "cli/filters.h"
#include "cli/prune.h"

namespace brig::cli {
namespace {

struct Choice {
    bool all = false;
    bool volumes = false;
    FilterWords filters;
};

FilterWords sorted(FilterWords filters) {
    std::ranges::sort(filters);
    return filters;
}

std::string question(const Choice& choice) {
    std::string text =
        "WARNING! This will remove:\n"
        "  - all stopped containers\n"
        "  - all networks not used by at least one container\n";
    if (choice.volumes) text += "  - all anonymous volumes not used by at least one container\n";
    text += choice.all ? "  - all images without at least one container associated to them\n"
                         "  - all build cache\n"
                       : "  - all dangling images\n  - unused build cache\n";
    if (!choice.filters.empty()) {
        text += "\n  Items to be pruned will be filtered with:\n";
        for (const auto& filter : sorted(choice.filters)) text += "  - " + filter + "\n";
    }
    return text + "\nAre you sure you want to continue?";
}

bool names_a_time(const FilterWords& filters) {
    for (const auto& filter : filters) {
        if (filter.starts_with("until=")) return true;
    }
    return false;
}

}  // namespace

int system_prune(Invocation& in) {
    Choice choice;
    bool force = false;
    in.flags.toggle("all,a", choice.all,
                    "Remove every image that no container uses, not only untagged ones");
    in.flags.toggle("force,f", force, "Do not ask");
    in.flags.toggle("volumes", choice.volumes, "Remove anonymous volumes, too");
    declare_filters(in.flags, "filter", choice.filters, "Only those that match (until=…, label=…)");
    in.parse();
    if (choice.volumes && names_a_time(choice.filters)) {
        throw Failure(1, R"(ERROR: The "until" filter is not supported with "--volumes")");
    }
    if (!force && !confirm(question(choice))) return 0;
    auto& engine = in.engine();
    std::int64_t bytes = prune_containers(engine, choice.filters);
    bytes += prune_networks(engine, choice.filters);
    if (choice.volumes) bytes += prune_volumes(engine, choice.filters, false);
    // The cache first: the images that hold its steps are unused images then.
    if (choice.filters.empty()) bytes += prune_build_cache(engine, choice.all);
    bytes += prune_images(engine, choice.filters, choice.all);
    print_reclaimed(bytes);
    return 0;
}

}  // namespace brig::cli
