// FreeBSD's base system from the release's own archive. MANIFEST, which comes from the same mirror
// or lies beside a local file, names the archive's sha256.
#include <fcntl.h>

#include <algorithm>
#include <filesystem>

#include "archive/stream.h"
#include "base/error.h"
#include "base/file.h"
#include "base/strings.h"
#include "image/bootstrap_kinds.h"
#include "image/import.h"

namespace brig::image {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view default_mirror = "https://download.freebsd.org/releases";
constexpr std::size_t max_manifest = 1U << 20U;

bool is_url(std::string_view text) {
    return text.starts_with("http://") || text.starts_with("https://") ||
           text.starts_with("ftp://");
}

/// "14.1" → "14.1-RELEASE"; anything but letters, digits, dots and dashes is refused: it becomes
/// part of a URL.
std::string release_name(const std::string& text) {
    const bool plain = !text.empty() && text.front() >= '0' && text.front() <= '9' &&
                       std::ranges::all_of(text, [](char c) {
                           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                                  (c >= 'a' && c <= 'z') || c == '.' || c == '-';
                       });
    if (!plain) {
        throw Error(ErrorKind::invalid_argument,
                    "{:?} is not a FreeBSD release; try freebsd:14.3-RELEASE", text);
    }
    return text.find('-') == std::string::npos ? text + "-RELEASE" : text;
}

std::string architecture_of(const BootstrapTask& task) {
    return task.request.architecture.empty()
               ? oci::Platform::host().architecture
               : oci::Platform::parse(task.request.architecture).architecture;
}

/// Their directory of a release: MACHINE/MACHINE_ARCH/RELEASE.
std::string release_url(const BootstrapTask& task) {
    const std::string base =
        task.request.source.empty() ? std::string(default_mirror) : task.request.source;
    const std::string arch = architecture_of(task);
    const std::string machine = arch == "arm64" ? "arm64/aarch64" : arch + "/" + arch;
    return base + "/" + machine + "/" + release_name(task.release);
}

void download(const std::string& url, const fs::path& to, const Progress& progress) {
    progress("Downloading " + url);
    if (const auto fetch = find_program({"fetch"})) {
        run_program({*fetch, "-q", "-o", to.string(), url}, progress);
    } else if (const auto curl = find_program({"curl"})) {
        run_program({*curl, "-fsSL", "--proto", "=http,https,ftp", "-o", to.string(), url},
                    progress);
    } else {
        throw Error(ErrorKind::failed_precondition,
                    "neither fetch nor curl is on this host; install the package curl");
    }
}

/// The line "base.txz<TAB>SHA256<TAB>…" of a MANIFEST.
Digest expected_digest(const fs::path& manifest, const std::string& name) {
    for (const auto& line : split(read_file(manifest, max_manifest), '\n')) {
        const auto columns = split(line, '\t');
        if (columns.size() > 1 && columns[0] == name) return Digest::parse("sha256:" + columns[1]);
    }
    throw Error(ErrorKind::invalid_argument, "{} does not name {}", manifest.string(), name);
}

void check(const Fd& file, const Digest& expected, const std::string& name) {
    archive::HashingSource hashed(archive::from_fd(file.get()));
    const Digest got = hashed.finish();
    if (got != expected) {
        throw Error(ErrorKind::invalid_argument, "{} has {}, its MANIFEST says {}", name, got.str(),
                    expected.str());
    }
    if (::lseek(file.get(), 0, SEEK_SET) != 0) throw SysError("rewind {}", name);
}

Image import_base(const BootstrapTask& task, const Fd& file) {
    ImportRequest request{
        .name = task.name,
        .message = "brig image bootstrap " + task.request.what,
        .changes = {"CMD [\"/bin/sh\"]",
                    "ENV PATH=/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"},
        .platform = oci::Platform{.os = "freebsd", .architecture = architecture_of(task)},
        .created = source_date_epoch(),
        .dated_by_files = true};
    return import_tar(task.store, file.get(), request);
}

}  // namespace

Image bootstrap_freebsd(const BootstrapTask& task) {
    const std::string& source = task.request.source;
    if (!source.empty() && !is_url(source)) {
        const fs::path archive = source;
        const fs::path manifest = archive.parent_path() / "MANIFEST";
        if (!fs::exists(manifest)) {
            throw Error(ErrorKind::failed_precondition,
                        "no MANIFEST beside {}; download it from the same release directory",
                        archive.string());
        }
        const Fd file = open_file(archive.string(), O_RDONLY);
        check(file, expected_digest(manifest, archive.filename().string()), archive.string());
        return import_base(task, file);
    }
    const std::string url = release_url(task);
    const TempDir work(fs::temp_directory_path(), "brig-bootstrap");
    download(url + "/MANIFEST", work.path() / "MANIFEST", task.progress);
    download(url + "/base.txz", work.path() / "base.txz", task.progress);
    const Fd file = open_file((work.path() / "base.txz").string(), O_RDONLY);
    check(file, expected_digest(work.path() / "MANIFEST", "base.txz"), url + "/base.txz");
    return import_base(task, file);
}

}  // namespace brig::image
