// brig system setup: what the host's configuration lacks for the engine, shown as a diff and
// written when agreed to.
#include <sys/stat.h>

#include <filesystem>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/filters.h"
#include "cli/output.h"
#include "cli/system_files.h"
#include "os/host_setup.h"

namespace brig::cli {
namespace {

namespace fs = std::filesystem;

struct Change {
    fs::path file;
    std::string text;
    mode_t mode = 0644;
    std::string afterwards;
};

std::string edited(const os::SetupFile& file, const std::string& text) {
    if (file.form == os::SetupFile::Form::pf_anchors) return with_anchors(text, file.settings);
    return with_assignments(text, file.settings);
}

/// What is to be written, having shown it.
std::vector<Change> show_changes(const std::vector<os::SetupFile>& files, const fs::path& root) {
    constexpr std::size_t most = 1U << 20U;
    std::vector<Change> changes;
    for (const auto& file : files) {
        // A link stays one: what it leads to is written.
        const auto path = fs::weakly_canonical(root / fs::path(file.path).relative_path());
        struct stat info {};
        const bool exists = ::stat(path.c_str(), &info) == 0;
        const auto before = exists ? read_file(path, most) : "";
        const auto after = edited(file, before);
        if (after == before) continue;
        print(unified_diff(path.string(), before, after));
        const auto mode = static_cast<mode_t>(exists ? info.st_mode & 07777U : 0644U);
        changes.push_back({path, after, mode, file.afterwards});
    }
    return changes;
}

}  // namespace

int system_setup(Invocation& in) {
    bool yes = false;
    std::string root = "/";
    std::string anchor = "brig";
    in.flags.toggle("yes,y", yes, "Write without asking");
    in.flags.text("root", root, "Root directory of the system to set up").shows_default("\"/\"");
    in.flags.text("anchor", anchor, "brigd's --nft-table, where it is not the default")
        .shows_default("\"brig\"");
    in.parse();
    const auto files = os::host_setup(anchor);
    if (files.empty()) {
        print_line("nothing to set up: this kernel needs no settings for brigd");
        return 0;
    }
    const auto changes = show_changes(files, root);
    if (changes.empty()) {
        print_line("nothing to set up: all settings are there");
        return 0;
    }
    if (!yes && !confirm("\nWrite these changes?")) {
        print_line("nothing was written");
        return 1;
    }
    for (const auto& change : changes) write_file_atomic(change.file, change.text, change.mode);
    print_line("\nWritten. For the changes to take effect:");
    for (const auto& change : changes)
        print_line(fmt::format("  {}: {}", change.file.string(), change.afterwards));
    return 0;
}

}  // namespace brig::cli
