// An image of one file: the host's static busybox, linked to the names of all its applets.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "archive/tar_output.h"
#include "base/error.h"
#include "base/file.h"
#include "base/strings.h"
#include "image/bootstrap_kinds.h"
#include "image/import.h"

namespace brig::image {
namespace {

constexpr std::string_view passwd =
    "root:x:0:0:root:/root:/bin/sh\n"
    "daemon:x:1:1:daemon:/usr/sbin:/bin/false\n"
    "bin:x:2:2:bin:/bin:/bin/false\n"
    "www-data:x:33:33:www-data:/var/www:/bin/false\n"
    "nobody:x:65534:65534:nobody:/home:/bin/false\n";
constexpr std::string_view group =
    "root:x:0:\ndaemon:x:1:\nbin:x:2:\ntty:x:5:\nwww-data:x:33:\nusers:x:100:\nnogroup:x:65534:\n";
constexpr std::string_view shadow = "root:*:10933:0:99999:7:::\nnobody:*:10933:0:99999:7:::\n";

/// An ELF file without PT_INTERP: it runs where nothing else is.
bool is_static(const std::string& path) {
    const std::string head = read_file(path, 16U << 20U);
    return head.starts_with(
               "\x7f"
               "ELF") &&
           head.find("/ld-linux") == std::string::npos &&
           head.find("/ld-musl") == std::string::npos && head.find("/ld-elf") == std::string::npos;
}

std::string find_busybox() {
    const auto path = find_program({"busybox"});
    if (!path) {
        throw Error(ErrorKind::failed_precondition,
                    "no busybox on this host; install the package busybox-static");
    }
    if (!is_static(*path)) {
        throw Error(ErrorKind::failed_precondition,
                    "{} is not statically linked; install the package busybox-static", *path);
    }
    return *path;
}

/// "bin/ls", "usr/bin/awk", …
std::vector<std::string> applets(const std::string& busybox, const Progress& progress) {
    std::vector<std::string> out;
    for (const auto& line : split(run_program({busybox, "--list-full"}, progress), '\n')) {
        const std::string path(trim(line));
        const bool plain =
            !path.empty() && path.find("..") == std::string::npos && path.front() != '/';
        if (plain && path != "bin/busybox" && path.find('/') != std::string::npos)
            out.push_back(path);
    }
    std::ranges::sort(out);
    if (std::ranges::find(out, "bin/sh") == out.end()) {
        throw Error(ErrorKind::failed_precondition, "{} has no shell applet", busybox);
    }
    return out;
}

/// Applets are relative links: hard links would be one more inode reference per layer copy, and
/// these stay right wherever the tree is mounted.
void write_root(archive::TarOutput& out, const std::string& busybox,
                const std::vector<std::string>& names, timespec time) {
    struct Directory {
        const char* name;
        mode_t mode;
    };
    for (const auto& [name, mode] : std::initializer_list<Directory>{{"bin", 0755},
                                                                     {"dev", 0755},
                                                                     {"etc", 0755},
                                                                     {"home", 0755},
                                                                     {"proc", 0755},
                                                                     {"root", 0700},
                                                                     {"run", 0755},
                                                                     {"sbin", 0755},
                                                                     {"sys", 0755},
                                                                     {"tmp", 01777},
                                                                     {"usr", 0755},
                                                                     {"usr/bin", 0755},
                                                                     {"usr/sbin", 0755},
                                                                     {"var", 0755},
                                                                     {"var/tmp", 01777},
                                                                     {"var/www", 0755}}) {
        out.add_directory(name, mode, time);
    }
    out.add_bytes("bin/busybox", read_file(busybox), 0755, time);
    for (const auto& name : names) {
        const bool in_usr = name.starts_with("usr/");
        const bool in_bin = name.starts_with("bin/");
        out.add_symlink(name, in_usr ? "../../bin/busybox" : in_bin ? "busybox" : "../bin/busybox");
    }
    out.add_bytes("etc/passwd", passwd, 0644, time);
    out.add_bytes("etc/group", group, 0644, time);
    out.add_bytes("etc/shadow", shadow, 0640, time);
    out.add_bytes("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n", 0644,
                  time);
}

}  // namespace

Image bootstrap_busybox(const BootstrapTask& task) {
    const std::string busybox = find_busybox();
    struct stat info {};
    if (::stat(busybox.c_str(), &info) != 0) throw SysError("look at {}", busybox);
    // The package's own time: the same busybox gives the same image on every host.
    const timespec time{.tv_sec = info.st_mtim.tv_sec, .tv_nsec = 0};
    const auto names = applets(busybox, task.progress);
    task.progress(fmt::format("Making an image of {} with {} applets", busybox, names.size()));

    std::string tar;
    archive::TarOutput out([&](std::span<const std::byte> data) {
        tar.append(reinterpret_cast<const char*>(data.data()), data.size());
    });
    write_root(out, busybox, names, time);
    out.finish();

    NewImage image;
    image.config.platform = oci::Platform::host();
    image.config.created = Instant(std::chrono::seconds(info.st_mtim.tv_sec));
    image.config.config.cmd = {"sh"};
    image.config.config.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
    image.config.history.push_back(
        {.created = image.config.created, .created_by = "brig image bootstrap busybox"});
    image.names.push_back(task.name);
    const content::Lease lease = task.store.content().lease();
    image.layers.push_back(task.store.add_layer(*archive::from_memory(tar), std::nullopt));
    return task.store.create(std::move(image));
}

}  // namespace brig::image
