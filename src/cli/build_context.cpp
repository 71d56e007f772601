// See build_context.h.
#include "cli/build_context.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/random.h"
#include "cli/tar_writer.h"
#include "oci/ignore.h"

namespace brig::cli {
namespace {

namespace fs = std::filesystem;

using Sink = TarSink;

class ContextWalk {
public:
    ContextWalk(const BuildContext& context, TarWriter& tar)
        : context_(context), tar_(tar), ignore_(read_ignore(context)) {}

    void run() { walk(""); }

private:
    static oci::IgnorePatterns read_ignore(const BuildContext& context) {
        for (const std::string& name :
             {context.dockerfile + ".dockerignore", std::string(".dockerignore")}) {
            try {
                return oci::IgnorePatterns::parse(read_file(context.directory / name));
            } catch (const SysError& error) {
                if (error.kind() != ErrorKind::not_found) throw;
            }
        }
        return {};
    }

    /// The engine needs these whatever .dockerignore says; it keeps them from COPY by itself.
    [[nodiscard]] bool always_sent(const std::string& path) const {
        return path == context_.dockerfile || path == ".dockerignore" ||
               path == context_.dockerfile + ".dockerignore";
    }
    [[nodiscard]] bool leads_to_dockerfile(const std::string& directory) const {
        return context_.dockerfile.starts_with(directory + "/");
    }

    void walk(const std::string& prefix) {
        std::vector<std::string> names;
        for (const auto& entry : fs::directory_iterator(context_.directory / prefix)) {
            names.push_back(entry.path().filename().string());
        }
        std::ranges::sort(names);
        for (const auto& name : names) visit(prefix.empty() ? name : prefix + "/" + name);
    }

    void visit(const std::string& path) {
        const fs::path full = context_.directory / path;
        struct stat status {};
        if (::lstat(full.c_str(), &status) != 0) throw SysError("stat {}", full.string());
        const bool excluded = !ignore_.empty() && ignore_.excludes(path) && !always_sent(path);
        if (S_ISDIR(status.st_mode)) {
            if (!excluded) tar_.add(path + "/", status, "");
            if (!excluded || leads_to_dockerfile(path) || !ignore_.excludes_tree(path)) walk(path);
        } else if (!excluded && !S_ISSOCK(status.st_mode)) {
            add_file(path, full, status);
        }
    }

    void add_file(const std::string& path, const fs::path& full, const struct stat& status) {
        if (S_ISLNK(status.st_mode)) return tar_.add(path, status, fs::read_symlink(full).string());
        if (!S_ISREG(status.st_mode)) return tar_.add(path, status, "");
        const Fd file = open_file(full, O_RDONLY);
        tar_.add(path, status, "");
        tar_.copy(file.get(), status, full.string());
    }

    const BuildContext& context_;
    TarWriter& tar_;
    oci::IgnorePatterns ignore_;
};

void add_extra_dockerfile(const BuildContext& context, TarWriter& tar) {
    struct stat status {};
    status.st_mode = S_IFREG | 0600;
    status.st_size = static_cast<off_t>(context.dockerfile_text.size());
    tar.add(context.dockerfile, status, "");
    tar.data(context.dockerfile_text);
}

std::string read_dockerfile(const fs::path& path) {
    try {
        return read_file(path);
    } catch (const SysError& error) {
        if (error.kind() != ErrorKind::not_found) throw;
        throw Error(ErrorKind::not_found,
                    "unable to prepare context: unable to evaluate symlinks in Dockerfile path: "
                    "lstat {}: no such "
                    "file or directory",
                    path.string());
    }
}

}  // namespace

BuildContext prepare_context(const std::string& path, const std::string& file,
                             const std::function<std::string()>& standard_input) {
    std::error_code failure;
    BuildContext context{.directory = fs::canonical(path, failure)};
    if (failure)
        throw Error(ErrorKind::not_found, "unable to prepare context: path \"{}\" not found", path);
    if (!fs::is_directory(context.directory)) {
        throw Error(ErrorKind::invalid_argument,
                    "unable to prepare context: context must be a directory: {}", path);
    }
    if (file == "-") {
        context.dockerfile_text = standard_input();
        context.adds_dockerfile = true;
    } else {
        const fs::path given = file.empty() ? context.directory / "Dockerfile" : fs::absolute(file);
        const std::string text = read_dockerfile(given);
        const fs::path inside = fs::weakly_canonical(given).lexically_relative(context.directory);
        context.adds_dockerfile = inside.empty() || inside.begin()->string() == "..";
        if (context.adds_dockerfile)
            context.dockerfile_text = text;
        else
            context.dockerfile = inside.string();
    }
    if (context.adds_dockerfile) context.dockerfile = ".dockerfile." + random_hex(10);
    return context;
}

void write_context(const BuildContext& context, const Sink& sink) {
    TarWriter tar(sink);
    if (!context.directory.empty()) ContextWalk(context, tar).run();
    if (context.adds_dockerfile) add_extra_dockerfile(context, tar);
    tar.finish();
}

bool looks_like_archive(std::string_view start) {
    constexpr std::size_t magic_offset = 257;
    if (start.size() >= magic_offset + 5 && start.substr(magic_offset, 5) == "ustar") return true;
    for (const std::string_view magic : {std::string_view("\x1f\x8b"), std::string_view("BZh"),
                                         std::string_view("\xfd"
                                                          "7zXZ"),
                                         std::string_view("\x28\xb5\x2f\xfd")}) {
        if (start.starts_with(magic)) return true;
    }
    return false;
}

}  // namespace brig::cli
