// One build from its first step to its last: what all stages share.
#pragma once

#include <fmt/format.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/digest.h"
#include "build/builder.h"
#include "build/cache.h"
#include "build/dockerfile.h"
#include "build/source_tree.h"

namespace brig::build {

/// The context's directory, its ignore file applied.
class Context {
public:
    Context(const std::filesystem::path& directory, const std::string& dockerfile);
    [[nodiscard]] const SourceTree& files() const { return *files_; }
    /// The text of a file beneath the context. Throws docker's words when there is none.
    [[nodiscard]] std::string read(const std::string& path) const;

private:
    Fd root_;
    std::optional<SourceTree> files_;
};

/// A stage that is done: what FROM and COPY --from of later stages refer to.
struct FinishedStage {
    std::string name;
    std::optional<Digest> image;  ///< absent: FROM scratch and nothing else
};

struct Session {
    const Builder::Parts& parts;
    Cache& cache;
    const BuildRequest& request;
    Progress& progress;
    Context context;
    std::string dockerfile;  ///< its name, for messages
    char escape = '\\';
    int step = 0;
    int steps = 0;
    std::map<std::string, std::string> global_args;  ///< ARGs before FROM, and the platform's
    std::set<std::string> consumed_args;
    std::vector<FinishedStage> stages;

    template <typename... Args>
    void say(fmt::format_string<Args...> format, Args&&... args) {
        if (!request.quiet) progress.text(fmt::format(format, std::forward<Args>(args)...));
    }
    /// Throws Error{cancelled}.
    void check_cancelled() const;
    /// "Step 3/7 : RUN make"
    void announce(const std::string& text) { say("Step {}/{} : {}\n", ++step, steps, text); }
    /// What --build-arg gives for `name`; an ARG that asks has consumed it.
    std::optional<std::string> build_arg(const std::string& name);
    /// A finished stage by name or number.
    [[nodiscard]] const FinishedStage* find_stage(const std::string& reference) const;
};

/// Twelve digits of an id, as docker shows it.
std::string short_id(const Digest& id);

}  // namespace brig::build
