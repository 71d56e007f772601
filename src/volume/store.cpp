#include "volume/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>

#include "base/defer.h"
#include "base/directory.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random.h"
#include "os/beneath.h"
#include "os/file_flags.h"
#include "volume/copy_up.h"
#include "volume/metadata.h"

namespace brig::volume {
namespace {

namespace fs = std::filesystem;

// Names of volumes never begin with a dot, so these can never be one.
constexpr std::string_view unfinished_prefix = ".new-";
constexpr std::string_view removed_prefix = ".removed-";
/// Beside the data while it is being filled; what a killed engine had copied is not all there is.
constexpr const char* filling_marker = "filling";
/// Beside the data of a provisional volume.
constexpr const char* provisional_marker = "provisional";

Error no_such_volume(const std::string& name) {
    return {ErrorKind::not_found, "get {}: no such volume", name};
}

bool rename_new(const fs::path& from, const fs::path& to) {
    // Onto an existing volume, which is never an empty directory, this fails.
    if (::rename(from.c_str(), to.c_str()) == 0) return true;
    if (errno == ENOTEMPTY || errno == EEXIST) return false;
    throw SysError("rename {} to {}", from.native(), to.native());
}

void remove_contents(int directory) {
    for (const auto& name : names_in(directory)) remove_tree_at(directory, name);
}

void remove_for_good(const fs::path& volume) {
    try {
        os::remove_protected_tree_at(AT_FDCWD, volume.native());
    } catch (const Error& e) {
        throw e.within(volume.native());
    }
}

bool exists_at(int directory, const char* name) {
    return ::faccessat(directory, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

}  // namespace

void check_name(std::string_view name) {
    const auto letter_or_digit = [](unsigned char c) { return c < 0x80 && std::isalnum(c) != 0; };
    const auto allowed = [&](unsigned char c) {
        return letter_or_digit(c) || c == '_' || c == '.' || c == '-';
    };
    if (name.size() == 1) {
        throw Error(
            ErrorKind::invalid_argument,
            "volume name is too short, names should be at least two alphanumeric characters");
    }
    if (name.empty() || name.size() > 255 ||
        !letter_or_digit(static_cast<unsigned char>(name[0])) ||
        !std::all_of(name.begin(), name.end(), allowed)) {
        throw Error(ErrorKind::invalid_argument,
                    "create {}: \"{}\" includes invalid characters for a local volume name, only "
                    "\"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host "
                    "directory, use absolute path",
                    name, name);
    }
}

Store::Store(fs::path root, const archive::OwnerMap& owners)
    : root_(std::move(root)),
      user_(owners.user(0, archive::To::disk)),
      group_(owners.group(0, archive::To::disk)) {
    // Traversable, so that a process with another user can be given a path to its volume, not
    // listable.
    make_directories(root_, 0701);
    for (const auto& entry : fs::directory_iterator(root_)) {
        const auto name = entry.path().filename().native();
        if (name.starts_with(unfinished_prefix) || name.starts_with(removed_prefix))
            remove_for_good(entry.path());
    }
}

Volume Store::create(const CreateRequest& request) {
    const bool anonymous = request.name.empty();
    const auto name = anonymous ? random_hex(32) : request.name;
    check_name(name);
    if (!request.driver.empty() && request.driver != "local") {
        throw Error(ErrorKind::not_found,
                    "error looking up volume plugin {0}: plugin \"{0}\" not found", request.driver);
    }
    if (auto existing = find(name)) return *existing;
    if (!request.options.empty()) {
        throw Error(ErrorKind::not_implemented,
                    "option {} of volume driver local is not implemented",
                    request.options.begin()->first);
    }
    Volume volume{.name = name,
                  .mountpoint = root_ / name / "_data",
                  .created = now(),
                  .labels = request.labels,
                  .anonymous = anonymous};
    if (anonymous) volume.labels.emplace("com.docker.volume.anonymous", "");

    // Complete under another name before it appears under its own.
    TempDir unfinished(root_, unfinished_prefix);
    make_directories(unfinished.path() / "_data", 0755);
    if (::chown((unfinished.path() / "_data").c_str(), user_, group_) != 0)
        throw SysError("change the owner of volume {}", name);
    write_metadata(unfinished.path(), volume,
                   anonymous ? Durability::rebuildable : Durability::durable);
    if (request.provisional)
        (void)open_file((unfinished.path() / provisional_marker).native(), O_WRONLY | O_CREAT,
                        0600);
    if (::chmod(unfinished.path().c_str(), 0701) != 0)
        throw SysError("change the mode of {}", unfinished.path().native());
    if (!rename_new(unfinished.path(), root_ / name))
        return inspect(name);  // somebody else was first
    (void)unfinished.release();
    return volume;
}

std::optional<Volume> Store::find(const std::string& name) const {
    try {
        check_name(name);
    } catch (const Error&) {
        return std::nullopt;
    }
    if (::access((root_ / name / "_data").c_str(), F_OK) != 0) return std::nullopt;
    auto volume = read_metadata(root_ / name);
    volume.name = name;
    volume.mountpoint = root_ / name / "_data";
    return volume;
}

Volume Store::inspect(const std::string& name) const {
    if (auto volume = find(name)) return *volume;
    throw no_such_volume(name);
}

std::vector<Volume> Store::list() const {
    std::vector<Volume> volumes;
    for (const auto& entry : fs::directory_iterator(root_)) {
        if (auto volume = find(entry.path().filename())) volumes.push_back(std::move(*volume));
    }
    std::sort(volumes.begin(), volumes.end(),
              [](const auto& one, const auto& other) { return one.name < other.name; });
    return volumes;
}

void Store::remove(const std::string& name) {
    if (!find(name)) throw no_such_volume(name);
    const auto removed = root_ / (std::string(removed_prefix) + random_hex(8));
    if (::rename((root_ / name).c_str(), removed.c_str()) != 0) {
        if (errno == ENOENT) throw no_such_volume(name);
        throw SysError("remove volume {}", name);
    }
    remove_for_good(removed);
}

void Store::keep(const std::string& name) {
    const auto marker = root_ / name / provisional_marker;
    if (::unlink(marker.c_str()) != 0 && errno != ENOENT) throw SysError("keep volume {}", name);
}

void Store::give_up(const std::string& name) {
    if (find(name))
        (void)open_file((root_ / name / provisional_marker).native(), O_WRONLY | O_CREAT, 0600);
}

std::vector<std::string> Store::provisional() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(root_)) {
        if (::access((entry.path() / provisional_marker).c_str(), F_OK) == 0)
            names.push_back(entry.path().filename());
    }
    return names;
}

std::uint64_t Store::usage(const std::string& name) const {
    const auto volume = find(name);
    if (!volume) return 0;
    try {
        return tree_size(open_file(volume->mountpoint, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    } catch (const SysError& error) {
        if (error.error_number() != ENOENT) throw;
        return 0;  // removed in this moment
    }
}

bool Store::copy_up(const std::string& name, int rootfs, const std::string& path) {
    const auto volume = inspect(name);
    Fd source;
    try {
        source = os::open_in_root(rootfs, path, O_RDONLY | O_DIRECTORY);
    } catch (const SysError& error) {
        if (error.error_number() == ENOENT || error.error_number() == ENOTDIR) return false;
        throw;
    }
    // One copy at a time into one volume, whoever asks.
    const auto lock = FileLock::acquire(root_ / name / "lock");
    const auto directory = open_file(root_ / name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    const auto data = open_at(directory.get(), "_data", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (exists_at(directory.get(), filling_marker)) remove_contents(data.get());
    if (!names_in(data.get()).empty()) return false;
    (void)open_at(directory.get(), filling_marker, O_WRONLY | O_CREAT, 0600);
    copy_tree(source.get(), data.get());
    if (::unlinkat(directory.get(), filling_marker, 0) != 0)
        throw SysError("finish volume {}", name);
    return true;
}

}  // namespace brig::volume
