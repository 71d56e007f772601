// One stage of a build: executes its instructions in order, each giving an image that the next
// one stands on. One member function per instruction; they are spread over step_*.cpp.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "build/dockerfile.h"
#include "build/rootfs.h"
#include "build/session.h"
#include "build/words.h"
#include "image/store.h"

namespace brig::build {

class StageBuilder {
public:
    StageBuilder(Session& session, const Stage& stage) : session_(session), stage_(stage) {}
    /// Throws Error that names file, line and instruction.
    void run();
    [[nodiscard]] FinishedStage finished() const { return {stage_.name, image_}; }
    /// The image's LABELs from outside the Dockerfile (--label), as one more step.
    void add_labels(const std::map<std::string, std::string>& labels);

private:
    using Step = void (StageBuilder::*)(const Instruction&);

    void from();
    void adopt_base(const std::string& reference, bool scratch, const std::string& platform);
    void run_triggers();
    void execute(const Instruction& instruction);

    // step_metadata.cpp, step_args.cpp
    void env(const Instruction& instruction);
    void label(const Instruction& instruction);
    void maintainer(const Instruction& instruction);
    void expose(const Instruction& instruction);
    void volume(const Instruction& instruction);
    void user(const Instruction& instruction);
    void cmd(const Instruction& instruction);
    void entrypoint(const Instruction& instruction);
    void shell(const Instruction& instruction);
    void stop_signal(const Instruction& instruction);
    void health_check(const Instruction& instruction);
    void on_build(const Instruction& instruction);
    void arg(const Instruction& instruction);
    // step_workdir.cpp, step_run.cpp, step_copy.cpp
    void workdir(const Instruction& instruction);
    void run_command(const Instruction& instruction);
    void copy(const Instruction& instruction);
    struct CopyPlan;
    [[nodiscard]] CopyPlan plan_copy(const Instruction& instruction) const;
    static void find_sources(const Instruction& instruction, CopyPlan& plan,
                             const SourceTree& files);
    void copy_files(const Instruction& instruction, CopyPlan& plan, const SourceTree& files,
                    const std::string& step);

    // What steps are made of.
    [[nodiscard]] std::string expand_word(const std::string& word) const;
    [[nodiscard]] std::optional<std::string> variable(std::string_view name) const;
    [[nodiscard]] std::optional<std::string> env_value(std::string_view name) const;
    void set_env(const std::string& name, const std::string& value);
    [[nodiscard]] std::vector<std::string> shell_words() const;
    [[nodiscard]] std::string nop(const std::string& comment) const;
    [[nodiscard]] std::string key(std::vector<std::string> fields) const;

    /// Takes the step's result from the cache if it is there, says so, and returns true.
    bool reuse(const std::string& key);
    /// Records `config_` (as changed by the step) with `layer` on top as the step's image.
    void commit(const std::string& key, const std::string& created_by,
                std::optional<image::Layer> layer);
    /// A step that only changes the configuration: key, reuse, `change`, commit.
    void metadata(const std::string& comment,
                  const std::function<void(oci::ExecutionConfig&)>& change);

    /// A new active snapshot on the current image; removed unless committed.
    class Work;

    Session& session_;
    const Stage& stage_;
    std::optional<Digest> image_;
    std::vector<image::Layer> layers_;
    oci::ImageConfig config_;
    bool command_set_ = false;                 ///< by this stage, not inherited
    std::map<std::string, std::string> args_;  ///< ARGs in scope that have a value
    std::set<std::string> declared_args_;
};

/// The active snapshot of one step.
class StageBuilder::Work {
public:
    explicit Work(StageBuilder& stage);
    ~Work();
    Work(const Work&) = delete;
    Work& operator=(const Work&) = delete;

    [[nodiscard]] const std::vector<Mount>& mounts() const { return mounts_; }
    [[nodiscard]] const std::string& key() const { return key_; }
    /// The tree, to be dropped before commit().
    [[nodiscard]] Rootfs open() const;
    image::Layer commit();

private:
    StageBuilder& stage_;
    std::string key_;
    std::optional<Digest> parent_chain_;
    std::vector<Mount> mounts_;
    bool live_ = true;
};

/// "PATH=…" of containers whose image says nothing.
inline constexpr std::string_view default_path =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Active snapshots of builds are called this and a random number, so that what a crash left can
/// be told from containers'.
inline constexpr std::string_view work_prefix = "build-";
/// Where the platform needs a place to mount on, beneath ROOT.
std::filesystem::path scratch_directory(const std::filesystem::path& root);

}  // namespace brig::build
