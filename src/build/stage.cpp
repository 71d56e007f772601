#include "build/stage.h"

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random.h"
#include "base/strings.h"
#include "build/find_image.h"

namespace brig::build {

void StageBuilder::run() {
    const auto place = [&](const Instruction& instruction) {
        return fmt::format("{}:{}", session_.dockerfile, instruction.line);
    };
    const auto guarded = [&](const Instruction& instruction, const auto& work) {
        try {
            session_.check_cancelled();
            work();
        } catch (const RunFailed& failure) {
            throw RunFailed(failure.within(place(instruction)).message(), failure.status());
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::cancelled) throw;
            throw error.within(place(instruction) + ": " + instruction.keyword + " failed");
        }
    };
    guarded(stage_.from, [&] { from(); });
    for (const auto& instruction : stage_.instructions) {
        guarded(instruction, [&] {
            session_.announce(instruction.original);
            execute(instruction);
        });
    }
}

void StageBuilder::from() {
    session_.announce(stage_.from.original);
    const auto lookup = [&](std::string_view name) -> std::optional<std::string> {
        const auto found = session_.global_args.find(std::string(name));
        return found == session_.global_args.end() ? std::nullopt : std::optional(found->second);
    };
    const auto reference = expand(stage_.base, session_.escape, lookup);
    if (reference.empty()) {
        throw Error(ErrorKind::invalid_argument, "base name ({}) should not be blank", stage_.base);
    }
    const auto wanted = expand(stage_.platform, session_.escape, lookup);
    const auto platform = wanted.empty() ? session_.request.platform : wanted;
    adopt_base(reference, reference == "scratch", platform);
    expect_platform(reference, config_.platform, platform);
    if (!env_value("PATH") && config_.platform.os != "windows")
        set_env("PATH", std::string(default_path));
    session_.say(" ---> {}\n", image_ ? short_id(*image_) : "");
    run_triggers();
}

void StageBuilder::adopt_base(const std::string& reference, bool scratch,
                              const std::string& platform) {
    const auto* earlier = session_.find_stage(reference);
    if (earlier != nullptr && parse_int<unsigned>(reference))
        earlier = nullptr;  // FROM knows names only
    if (scratch || (earlier != nullptr && !earlier->image)) {
        config_.platform = oci::Platform::host();
        return;
    }
    auto& images = session_.parts.images;
    image::Image base = earlier != nullptr ? images.resolve(earlier->image->str())
                                           : find_image(session_, reference, platform);
    image_ = base.id;
    images.keep(base);
    layers_ = images.layers_of(base);
    config_ = std::move(base.config);
}

/// ONBUILD of the base: its instructions come first and are not passed on.
void StageBuilder::run_triggers() {
    const auto triggers = std::exchange(config_.config.on_build, {});
    if (triggers.empty()) return;
    session_.say("# Executing {} build trigger{}\n", triggers.size(),
                 triggers.size() == 1 ? "" : "s");
    for (const auto& text : triggers) {
        const auto instruction =
            Dockerfile::parse_instruction(text, session_.dockerfile, stage_.from.line);
        if (instruction.keyword == "ONBUILD" || instruction.keyword == "FROM") {
            throw Error(ErrorKind::invalid_argument, "{} isn't allowed as an ONBUILD trigger",
                        instruction.keyword);
        }
        execute(instruction);
    }
}

void StageBuilder::execute(const Instruction& instruction) {
    using S = StageBuilder;
    static const std::map<std::string, Step> steps{
        {"ADD", &S::copy},
        {"ARG", &S::arg},
        {"CMD", &S::cmd},
        {"COPY", &S::copy},
        {"ENTRYPOINT", &S::entrypoint},
        {"ENV", &S::env},
        {"EXPOSE", &S::expose},
        {"HEALTHCHECK", &S::health_check},
        {"LABEL", &S::label},
        {"MAINTAINER", &S::maintainer},
        {"ONBUILD", &S::on_build},
        {"RUN", &S::run_command},
        {"SHELL", &S::shell},
        {"STOPSIGNAL", &S::stop_signal},
        {"USER", &S::user},
        {"VOLUME", &S::volume},
        {"WORKDIR", &S::workdir},
    };
    (this->*steps.at(instruction.keyword))(instruction);
}

std::string StageBuilder::expand_word(const std::string& word) const {
    try {
        return expand(word, session_.escape,
                      [this](std::string_view name) { return variable(name); });
    } catch (const Error& error) {
        throw error.within("failed to process \"" + word + "\"");
    }
}

std::optional<std::string> StageBuilder::env_value(std::string_view name) const {
    for (const auto& entry : config_.config.env) {
        if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') {
            return entry.substr(name.size() + 1);
        }
    }
    return std::nullopt;
}

std::optional<std::string> StageBuilder::variable(std::string_view name) const {
    if (auto value = env_value(name)) return value;
    const auto found = args_.find(std::string(name));
    return found == args_.end() ? std::nullopt : std::optional(found->second);
}

void StageBuilder::set_env(const std::string& name, const std::string& value) {
    for (auto& entry : config_.config.env) {
        if (entry.starts_with(name + "=")) {
            entry = name + "=" + value;
            return;
        }
    }
    config_.config.env.push_back(name + "=" + value);
}

std::vector<std::string> StageBuilder::shell_words() const {
    if (!config_.config.shell.empty()) return config_.config.shell;
    return {"/bin/sh", "-c"};
}

std::string StageBuilder::nop(const std::string& comment) const {
    return join(shell_words(), " ") + " #(nop) " + comment;
}

std::string StageBuilder::key(std::vector<std::string> fields) const {
    // The parent's id stands for everything before this step, its configuration included
    // (CVE-2024-24557).
    fields.insert(fields.begin(),
                  {"1", image_ ? image_->str() : "scratch", config_.platform.str()});
    return step_key(fields);
}

bool StageBuilder::reuse(const std::string& key) {
    if (session_.request.no_cache) return false;
    const auto id = session_.cache.find(key);
    if (!id) return false;
    auto image = session_.parts.images.find(*id);
    if (!image) {
        session_.cache.forget(key);
        return false;
    }
    session_.parts.images.keep(*image);
    layers_ = session_.parts.images.layers_of(*image);
    config_ = std::move(image->config);
    image_ = *id;
    session_.say(" ---> Using cache\n ---> {}\n", short_id(*id));
    return true;
}

void StageBuilder::commit(const std::string& key, const std::string& created_by,
                          std::optional<image::Layer> layer) {
    config_.created = now();
    oci::HistoryEntry entry;
    entry.created = config_.created;
    entry.created_by = created_by;
    entry.author = config_.author;
    entry.empty_layer = !layer;
    config_.history.push_back(std::move(entry));
    if (layer) layers_.push_back(std::move(*layer));
    auto image = session_.parts.images.create({config_, layers_, {}, image_, false});
    config_ = std::move(image.config);
    image_ = image.id;
    session_.cache.store(key, image.id);
    session_.say(" ---> {}\n", short_id(image.id));
}

void StageBuilder::metadata(const std::string& comment,
                            const std::function<void(oci::ExecutionConfig&)>& change) {
    const auto created_by = nop(" " + comment);
    const auto step =
        key({"config", comment, join(shell_words(), "\n"), command_set_ ? "command set" : ""});
    if (reuse(step)) return;
    change(config_.config);
    commit(step, created_by, std::nullopt);
}

void StageBuilder::add_labels(const std::map<std::string, std::string>& labels) {
    Instruction instruction;
    instruction.keyword = "LABEL";
    std::string text = "LABEL";
    for (const auto& [name, value] : labels) text += fmt::format(" {}={}", name, value);
    session_.announce(text);
    metadata(text, [&](oci::ExecutionConfig& config) {
        for (const auto& [name, value] : labels) config.labels[name] = value;
    });
}

StageBuilder::Work::Work(StageBuilder& stage)
    : stage_(stage), key_(std::string(work_prefix) + random_hex(16)) {
    std::optional<std::string> parent;
    if (!stage.layers_.empty()) {
        parent_chain_ = stage.layers_.back().chain_id;
        const auto& images = stage.session_.parts.images;
        const auto image = images.find(*stage.image_);
        if (!image)
            throw Error(ErrorKind::not_found, "image {} was removed during the build",
                        short_id(*stage.image_));
        parent = stage.session_.parts.images.top_snapshot(*image);
    }
    mounts_ = stage.session_.parts.snapshots.prepare(key_, parent);
}

StageBuilder::Work::~Work() {
    if (!live_) return;
    try {
        stage_.session_.parts.snapshots.remove(key_);
    } catch (const Error& error) {
        log::warn("the snapshot {} of a build stays until the next start: {}", key_,
                  error.message());
    }
}

Rootfs StageBuilder::Work::open() const {
    return {mounts_, scratch_directory(stage_.session_.parts.root)};
}

image::Layer StageBuilder::Work::commit() {
    auto layer = stage_.session_.parts.images.commit_snapshot(key_, parent_chain_);
    live_ = false;
    return layer;
}

std::filesystem::path scratch_directory(const std::filesystem::path& root) {
    auto path = root / "build" / "mount";
    make_directories(path);
    return path;
}

}  // namespace brig::build
