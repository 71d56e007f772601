// COPY and ADD: sources from the context, an earlier stage or an image, into the step's snapshot.
#include "base/error.h"
#include "base/log.h"
#include "base/random.h"
#include "base/strings.h"
#include "build/copy.h"
#include "build/find_image.h"
#include "build/stage.h"
#include "oci/glob.h"

namespace brig::build {
namespace {

/// The root of an image, open for reading while the step lasts.
class ImageView {
public:
    ImageView(Session& session, const Digest& id)
        : snapshots_(session.parts.snapshots), key_(std::string(work_prefix) + random_hex(16)) {
        auto& images = session.parts.images;
        const auto top = images.top_snapshot(images.resolve(id.str()));
        const auto mounts = snapshots_.prepare(key_, top, snapshot::Kind::view);
        try {
            rootfs_.emplace(mounts, scratch_directory(session.parts.root));
        } catch (...) {
            drop();
            throw;
        }
    }
    ImageView(const ImageView&) = delete;
    ImageView& operator=(const ImageView&) = delete;
    ~ImageView() {
        rootfs_.reset();
        drop();
    }
    [[nodiscard]] int root() const { return rootfs_->fd(); }

private:
    void drop() {
        try {
            snapshots_.remove(key_);
        } catch (const Error& error) {
            log::warn("the view {} of a build stays until the next start: {}", key_,
                      error.message());
        }
    }

    snapshot::Snapshotter& snapshots_;
    std::string key_;
    std::optional<Rootfs> rootfs_;
};

Digest find_copied_image(Session& session, const std::string& reference) {
    if (const auto* stage = session.find_stage(reference)) {
        if (stage->image) return *stage->image;
        throw Error(ErrorKind::not_found, "nothing to copy: stage {} is empty", reference);
    }
    // A number is that of a stage that is not there.
    const auto missing = parse_int<unsigned>(reference) ? Missing::refuse : Missing::pull;
    try {
        return find_image(session, reference, session.request.platform, missing).id;
    } catch (const Error& error) {
        throw error.within("invalid from flag value " + reference);
    }
}

/// Octal permission bits.
mode_t parse_mode(const std::string& text) {
    mode_t mode = 0;
    for (const char c : text) {
        if (c < '0' || c > '7') mode = 010000;
        mode = mode * 8 + static_cast<mode_t>(c - '0');
        if (mode > 07777)
            throw Error(
                ErrorKind::invalid_argument,
                "invalid chmod parameter: '{}'. it should be octal string and between 0 and 07777",
                text);
    }
    return mode;
}

bool is_remote(const std::string& source) {
    return source.starts_with("http://") || source.starts_with("https://") ||
           source.starts_with("git@") || source.starts_with("git://");
}

}  // namespace

/// What the instruction says after variables are in.
struct StageBuilder::CopyPlan {
    bool add = false;
    std::vector<std::string> patterns;
    std::vector<std::pair<std::string, std::string>> texts;  ///< here-documents: name, content
    CopyTarget target;
    std::string written_target;
    std::string chown;
    std::string chmod;
    std::vector<Source> sources;
};

StageBuilder::CopyPlan StageBuilder::plan_copy(const Instruction& instruction) const {
    CopyPlan plan;
    plan.add = instruction.keyword == "ADD";
    for (const auto* flag : {"parents", "exclude", "checksum", "keep-git-dir", "unpack"}) {
        if (instruction.flag(flag)) {
            throw Error(ErrorKind::not_implemented, "the --{} option of {} is not supported yet",
                        flag, instruction.keyword);
        }
    }
    plan.chown = expand_word(instruction.flag("chown").value_or(""));
    plan.chmod = expand_word(instruction.flag("chmod").value_or(""));
    if (!plan.chmod.empty()) plan.target.mode = parse_mode(plan.chmod);
    auto heredoc = instruction.heredocs.begin();
    for (std::size_t at = 0; at + 1 < instruction.args.size(); ++at) {
        const auto& arg = instruction.args[at];
        if (heredoc != instruction.heredocs.end() && arg.find("<<") != std::string::npos) {
            const auto lookup = [this](std::string_view name) { return variable(name); };
            plan.texts.emplace_back(heredoc->name,
                                    heredoc->expand
                                        ? expand_heredoc(heredoc->content, session_.escape, lookup)
                                        : heredoc->content);
            ++heredoc;
            continue;
        }
        plan.patterns.push_back(expand_word(arg));
        if (plan.add && is_remote(plan.patterns.back())) {
            throw Error(ErrorKind::not_implemented,
                        "ADD from {} is not supported yet: fetch it in a RUN, or before the build "
                        "and COPY it",
                        plan.patterns.back());
        }
    }
    auto path = plan.written_target = expand_word(instruction.args.back());
    if (path.empty())
        throw Error(ErrorKind::invalid_argument, "the destination {} is empty",
                    instruction.args.back());
    if (!path.starts_with('/')) path = config_.config.working_dir + "/" + path;
    plan.target.directory = path.ends_with('/') || path.ends_with("/.");
    plan.target.path = oci::clean_path("/" + path);
    return plan;
}

void StageBuilder::copy(const Instruction& instruction) {
    auto plan = plan_copy(instruction);
    std::optional<ImageView> view;
    std::optional<SourceTree> view_files;
    const auto* files = &session_.context.files();
    std::vector<std::string> fields{instruction.keyword, plan.target.path,
                                    plan.target.directory ? "/" : "", plan.chown, plan.chmod};
    if (const auto from = instruction.flag("from")) {
        const auto image = find_copied_image(session_, expand_word(*from));
        // The same sources of the same image are the same files: known without looking at them.
        auto by_image = fields;
        by_image.insert(by_image.end(), {"image", image.str()});
        by_image.insert(by_image.end(), plan.patterns.begin(), plan.patterns.end());
        const auto step = key(std::move(by_image));
        if (reuse(step)) return;
        view.emplace(session_, image);
        files = &view_files.emplace(view->root(), oci::IgnorePatterns{}, true);
        copy_files(instruction, plan, *files, step);
        return;
    }
    find_sources(instruction, plan, *files);
    for (const auto& source : plan.sources)
        fields.insert(fields.end(), {source.path, files->digest(source).str()});
    for (const auto& [name, content] : plan.texts)
        fields.insert(fields.end(), {"<<", name, content});
    const auto step = key(std::move(fields));
    if (!reuse(step)) copy_files(instruction, plan, *files, step);
}

void StageBuilder::find_sources(const Instruction& instruction, CopyPlan& plan,
                                const SourceTree& files) {
    for (const auto& pattern : plan.patterns) {
        auto found = files.find(pattern);
        std::move(found.begin(), found.end(), std::back_inserter(plan.sources));
    }
    if (plan.sources.size() + plan.texts.size() > 1 && !plan.target.directory) {
        throw Error(ErrorKind::invalid_argument,
                    "When using {} with more than one source file, the destination must be a "
                    "directory and end with a /",
                    instruction.keyword);
    }
}

void StageBuilder::copy_files(const Instruction& instruction, CopyPlan& plan,
                              const SourceTree& files, const std::string& step) {
    if (plan.sources.empty()) find_sources(instruction, plan, files);
    Work work(*this);
    {
        const auto rootfs = work.open();
        plan.target.root = rootfs.fd();
        plan.target.owners = session_.parts.snapshots.owners();
        if (!plan.chown.empty()) plan.target.owner = resolve_owner(rootfs.fd(), plan.chown);
        for (const auto& source : plan.sources) {
            if (!plan.add || !unpack_source(files, source, plan.target))
                copy_source(files, source, plan.target);
        }
        for (const auto& [name, content] : plan.texts) copy_text(content, name, plan.target);
    }
    const auto kind = plan.sources.size() != 1         ? "multi"
                      : plan.sources.front().directory ? "dir"
                                                       : "file";
    commit(
        step,
        nop(fmt::format("{} {}:{} in {} ", instruction.keyword, kind, step, plan.written_target)),
        work.commit());
}

}  // namespace brig::build
