// Debian and its like by mmdebstrap (which writes a reproducible tar to stdout) or debootstrap.
#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "archive/layer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/strings.h"
#include "image/bootstrap_kinds.h"
#include "image/import.h"

namespace brig::image {
namespace fs = std::filesystem;
namespace {

struct Distribution {
    std::string_view name;
    std::string_view mirror;
    std::string_view keyring;
};
constexpr Distribution distributions[] = {
    {"debian", "http://deb.debian.org/debian", "/usr/share/keyrings/debian-archive-keyring.gpg"},
    {"ubuntu", "http://archive.ubuntu.com/ubuntu",
     "/usr/share/keyrings/ubuntu-archive-keyring.gpg"},
};

std::string distribution_of(const BootstrapTask& task) {
    return split_once(task.request.what, ':').first;
}

bool is_word(std::string_view text) {
    return !text.empty() && text.front() != '-' && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    });
}

std::optional<std::string> first_url(std::string_view line, std::string_view distribution) {
    for (const auto& word : split(line, ' ')) {
        const bool is_url = word.starts_with("http://") || word.starts_with("https://");
        if (is_url && word.find(distribution) != std::string::npos &&
            word.find("security") == std::string::npos) {
            return word;
        }
    }
    return std::nullopt;
}

/// The mirror the host itself uses for the same distribution.
std::optional<std::string> host_mirror(std::string_view distribution) {
    std::vector<fs::path> files{"/etc/apt/sources.list"};
    std::error_code absent;
    for (const auto& entry : fs::directory_iterator("/etc/apt/sources.list.d", absent))
        files.push_back(entry.path());
    for (const auto& file : files) {
        if (!fs::exists(file, absent)) continue;
        for (const auto& line : split(read_file(file), '\n')) {
            if (!line.starts_with("deb ") && !line.starts_with("URIs:")) continue;
            if (auto url = first_url(line, distribution)) return url;
        }
    }
    return std::nullopt;
}

std::string mirror_for(const BootstrapTask& task, const Distribution& distribution) {
    if (!task.request.source.empty()) {
        const auto& source = task.request.source;
        const bool is_url = source.starts_with("http://") || source.starts_with("https://") ||
                            source.starts_with("file:");
        if (!is_url)
            throw Error(ErrorKind::invalid_argument, "source {:?} is not a mirror's URL", source);
        return source;
    }
    return host_mirror(distribution.name).value_or(std::string(distribution.mirror));
}

/// No file and no record of the image is younger than this: SOURCE_DATE_EPOCH, or the beginning of
/// the day, so that the same packages give the same image.
std::int64_t source_date() {
    const auto today = std::chrono::floor<std::chrono::days>(now());
    return source_date_epoch().value_or(today).time_since_epoch() / std::chrono::seconds(1);
}

std::vector<std::string> date_environment() {
    return {"SOURCE_DATE_EPOCH=" + std::to_string(source_date())};
}

ImportRequest import_request(const BootstrapTask& task) {
    ImportRequest request{
        .name = task.name,
        .message = "brig image bootstrap " + task.request.what,
        .changes = {"CMD [\"bash\"]",
                    "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
        .created = Instant(std::chrono::seconds(source_date()))};
    if (!task.request.architecture.empty())
        request.platform = oci::Platform::parse(task.request.architecture);
    return request;
}

/// mmdebstrap streams the tar: nothing is on disk twice.
Image by_mmdebstrap(const BootstrapTask& task, const std::string& program,
                    const std::string& mirror) {
    std::vector<std::string> argv{
        program, "--variant=minbase", "--mode=root", "--format=tar",
        "--aptopt=Apt::Install-Recommends \"false\"", "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        // The host's own, copied for the installation.
        "--customize-hook=rm -f \"$1/etc/hostname\" \"$1/etc/resolv.conf\""};
    if (!task.request.architecture.empty())
        argv.push_back("--architectures=" + task.request.architecture);
    argv.insert(argv.end(), {task.release, "-", mirror});
    Program running(argv, task.progress, date_environment());
    return import_tar(task.store, *running.output(), import_request(task));
}

/// debootstrap makes a directory, which becomes a tar in a temporary file.
Image by_debootstrap(const BootstrapTask& task, const std::string& program,
                     const std::string& mirror) {
    const TempDir work(fs::temp_directory_path(), "brig-bootstrap");
    const fs::path root = work.path() / "root";
    std::vector<std::string> argv{program, "--variant=minbase"};
    if (!task.request.architecture.empty()) argv.push_back("--arch=" + task.request.architecture);
    argv.insert(argv.end(), {task.release, root.string(), mirror});
    run_program(argv, task.progress, date_environment());
    std::error_code absent;
    for (const char* copied : {"etc/hostname", "etc/resolv.conf"})
        fs::remove(root / copied, absent);
    for (const char* cache : {"var/cache/apt/archives", "var/lib/apt/lists"}) {
        for (const auto& entry : fs::directory_iterator(root / cache, absent)) {
            if (entry.is_regular_file(absent)) fs::remove(entry.path(), absent);
        }
    }
    const Fd tar = open_file((work.path() / "root.tar").string(), O_RDWR | O_CREAT | O_EXCL, 0600);
    archive::write_tree(open_file(root.string(), O_RDONLY | O_DIRECTORY),
                        archive::to_fd(tar.get()));
    ::lseek(tar.get(), 0, SEEK_SET);
    return import_tar(task.store, tar.get(), import_request(task));
}

}  // namespace

Image bootstrap_debian(const BootstrapTask& task) {
    const std::string wanted = distribution_of(task);
    const auto* distribution = std::ranges::find(distributions, wanted, &Distribution::name);
    if (!is_word(task.release)) {
        throw Error(ErrorKind::invalid_argument, "{:?} is not a {} suite; try {}:bookworm",
                    task.release, wanted, wanted);
    }
    const std::string mirror = mirror_for(task, *distribution);
    task.progress(fmt::format("Installing {} {} from {}", wanted, task.release, mirror));
    if (const auto program = find_program({"mmdebstrap"}))
        return by_mmdebstrap(task, *program, mirror);
    if (const auto program = find_program({"debootstrap"}))
        return by_debootstrap(task, *program, mirror);
    throw Error(
        ErrorKind::failed_precondition,
        "neither mmdebstrap nor debootstrap is on this host; install the package mmdebstrap");
}

}  // namespace brig::image
