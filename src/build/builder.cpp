// A build from request to result: read the Dockerfile, run its stages up to the target, tag.
#include "build/builder.h"

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strings.h"
#include "build/dockerfile.h"
#include "build/session.h"
#include "build/stage.h"
#include "oci/glob.h"
#include "oci/reference.h"

namespace brig::build {
namespace {

std::filesystem::path cache_file(const std::filesystem::path& root) {
    make_directories(root);
    return root / "build.db";
}

/// The stages to build, the last of them the result.
std::size_t stages_up_to(const Dockerfile& file, const std::string& target) {
    if (target.empty()) return file.stages.size();
    const auto name = to_lower(target);
    for (std::size_t at = 0; at < file.stages.size(); ++at) {
        if (file.stages[at].name == name) return at + 1;
    }
    const auto number = parse_int<std::size_t>(target);
    if (number && *number < file.stages.size()) return *number + 1;
    throw Error(ErrorKind::invalid_argument, "{}: target stage \"{}\" could not be found",
                file.name, target);
}

/// BuildKit's platform arguments, for FROM and for an ARG without default.
std::map<std::string, std::string> platform_args(const std::string& wanted) {
    const auto host = oci::Platform::host();
    const auto target = wanted.empty() ? host : oci::Platform::parse(wanted);
    return {{"BUILDPLATFORM", host.str()},       {"BUILDOS", host.os},
            {"BUILDARCH", host.architecture},    {"BUILDVARIANT", host.variant},
            {"TARGETPLATFORM", target.str()},    {"TARGETOS", target.os},
            {"TARGETARCH", target.architecture}, {"TARGETVARIANT", target.variant}};
}

void read_global_args(Session& session, const Dockerfile& file) {
    session.global_args = platform_args(session.request.platform);
    const auto lookup = [&](std::string_view name) -> std::optional<std::string> {
        const auto found = session.global_args.find(std::string(name));
        return found == session.global_args.end() ? std::nullopt : std::optional(found->second);
    };
    for (const auto& instruction : file.global_args) {
        session.announce(instruction.original);
        for (const auto& [name, value] : instruction.pairs) {
            auto chosen = value ? std::optional(expand(*value, file.escape, lookup)) : std::nullopt;
            if (const auto given = session.build_arg(name)) chosen = given;
            if (chosen) session.global_args[name] = *chosen;
        }
    }
}

int count_steps(const Dockerfile& file, std::size_t stages, bool labels) {
    std::size_t steps = file.global_args.size() + (labels ? 1 : 0);
    for (std::size_t at = 0; at < stages; ++at) steps += 1 + file.stages[at].instructions.size();
    return static_cast<int>(steps);
}

void warn_unconsumed(Session& session) {
    std::vector<std::string> unused;
    for (const auto& [name, value] : session.request.build_args) {
        const bool proxy = to_lower(name).ends_with("_proxy");
        if (!proxy && !session.consumed_args.contains(name)) unused.push_back(name);
    }
    if (!unused.empty()) {
        session.say("[Warning] One or more build-args [{}] were not consumed\n", join(unused, " "));
    }
}

std::vector<oci::Reference> parse_tags(const std::vector<std::string>& tags) {
    std::vector<oci::Reference> references;
    for (const auto& tag : tags) {
        auto reference = oci::Reference::parse(tag);
        if (reference.digest) {
            throw Error(ErrorKind::invalid_argument,
                        "refusing to create a tag with a digest reference: {}", tag);
        }
        references.push_back(reference.with_default_tag());
    }
    return references;
}

}  // namespace

struct Builder::Impl {
    explicit Impl(Parts given) : parts(std::move(given)), cache(cache_file(parts.root)) {
        remove_leftovers();
    }

    /// Snapshots of builds that a crash cut off.
    void remove_leftovers() {
        for (const auto& info : parts.snapshots.list()) {
            if (info.kind == snapshot::Kind::committed || !info.key.starts_with(work_prefix))
                continue;
            try {
                parts.snapshots.remove(info.key);
            } catch (const Error& error) {
                log::warn("remove what a broken build left: {}", error.message());
            }
        }
    }

    image::Image finish(Session& session, const StageBuilder& last,
                        const std::vector<oci::Reference>& names);

    Parts parts;
    Cache cache;
};

/// Makes the last step's image a result: durable, and named.
image::Image Builder::Impl::finish(Session& session, const StageBuilder& last,
                                   const std::vector<oci::Reference>& names) {
    const auto id = last.finished().image;
    if (!id)
        throw Error(ErrorKind::invalid_argument,
                    "{}: no image was generated: FROM scratch and nothing else",
                    session.dockerfile);
    auto image = parts.images.resolve(id->str());
    if (!cache.is_result(image.id)) {
        // The store takes the same image again, this time for good.
        image = parts.images.create(
            {image.config, parts.images.layers_of(image), {}, image.parent, true});
        cache.store_result(image.id);
    }
    for (const auto& name : names) {
        const auto familiar = name.familiar();
        if (std::find(image.tags.begin(), image.tags.end(), familiar) == image.tags.end()) {
            parts.images.tag(image.id.str(), familiar);
        }
    }
    return image;
}

Builder::Builder(Parts parts) : impl_(std::make_unique<Impl>(std::move(parts))) {}
Builder::~Builder() = default;

BuildResult Builder::build(const BuildRequest& request, Progress& progress) {
    auto& parts = impl_->parts;
    const auto names = parse_tags(request.tags);
    auto path = oci::clean_path(request.dockerfile.empty() ? "Dockerfile" : request.dockerfile);
    if (path == ".." || path.starts_with("../")) {
        throw Error(ErrorKind::invalid_argument,
                    "the Dockerfile ({}) must be within the build context", request.dockerfile);
    }
    Session session{parts, impl_->cache, request, progress, Context(request.context, path), path};
    const auto text =
        request.dockerfile_text ? *request.dockerfile_text : session.context.read(path);
    const auto file = Dockerfile::parse(text, path);
    session.escape = file.escape;
    const auto stages = stages_up_to(file, request.target);
    session.steps = count_steps(file, stages, !request.labels.empty());

    const auto lease = parts.images.content().lease();
    read_global_args(session, file);
    std::optional<StageBuilder> stage;
    for (std::size_t at = 0; at < stages; ++at) {
        stage.emplace(session, file.stages[at]);
        stage->run();
        if (at + 1 == stages && !request.labels.empty()) stage->add_labels(request.labels);
        session.stages.push_back(stage->finished());
    }
    warn_unconsumed(session);
    const auto image = impl_->finish(session, *stage, names);
    progress.built(image.id.str());
    session.say("Successfully built {}\n", short_id(image.id));
    for (const auto& name : names) session.say("Successfully tagged {}\n", name.familiar());
    return {image.id.str()};
}

void Builder::prune() { impl_->cache.clear(); }

}  // namespace brig::build
