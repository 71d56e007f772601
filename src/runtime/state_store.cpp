// See state_store.h.
#include "runtime/state_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"

namespace brig::runtime {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

constexpr const char* state_file = "state.json";

Fd lock_directory(const fs::path& path) {
    Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) {
        if (errno == ENOENT) return {};
        throw SysError("open {}", path.string());
    }
    while (::flock(directory.get(), LOCK_EX) != 0) {
        if (errno != EINTR) throw SysError("lock {}", path.string());
    }
    // Whoever had it may have removed it meanwhile.
    struct stat ours {};
    struct stat there {};
    if (::fstat(directory.get(), &ours) != 0) throw SysError("look at {}", path.string());
    if (::stat(path.c_str(), &there) != 0 || ours.st_ino != there.st_ino ||
        ours.st_dev != there.st_dev)
        return {};
    return directory;
}

oci::MemoryPolicy policy_from(const json& j) {
    return {j.at("mode"), j.at("nodes"), j.at("flags").get<std::vector<std::string>>()};
}

json to_json(const oci::MemoryPolicy& policy) {
    return {{"mode", policy.mode}, {"nodes", policy.nodes}, {"flags", policy.flags}};
}

}  // namespace

void check_id(const std::string& id) {
    const auto allowed = [](unsigned char c) {
        return std::isalnum(c) != 0 ||
               std::string_view("_+-.").find(static_cast<char>(c)) != std::string_view::npos;
    };
    if (id.empty() || id.size() > 255 || id.front() == '.' || !std::ranges::all_of(id, allowed)) {
        throw Error(ErrorKind::invalid_argument,
                    "invalid container id {:?}: want letters, digits and _+-.", id);
    }
}

std::optional<Record> Entry::load() const {
    const Fd file(::openat(directory_.get(), state_file, O_RDONLY | O_CLOEXEC));
    if (!file) return std::nullopt;
    const json j = json::parse(read_to_end(file.get(), 1U << 20U), nullptr, false);
    if (!j.is_object()) return std::nullopt;
    try {
        Record record;
        record.id = j.at("id");
        record.oci_version = j.at("ociVersion");
        record.bundle = j.at("bundle").get<std::string>();
        record.rootfs = j.at("rootfs").get<std::string>();
        record.created = parse_rfc3339(j.at("created").get<std::string>()).value_or(Instant{});
        record.sandbox = {record.id, j.at("pid"), j.at("startTime"), j.at("sandbox")};
        record.limits = j.at("limits");
        record.filter = j.at("filter");
        record.listener = j.value("listener", "");
        record.listener_metadata = j.value("listenerMetadata", "");
        if (j.contains("memoryPolicy")) record.memory_policy = policy_from(j["memoryPolicy"]);
        record.poststart_hooks = j.at("poststart");
        record.poststop_hooks = j.at("poststop");
        record.annotations = j.at("annotations").get<std::map<std::string, std::string>>();
        return record;
    } catch (const json::exception& e) {
        throw Error(ErrorKind::internal, "{}: unreadable state: {}", path_.string(), e.what());
    }
}

void Entry::save(const Record& record) const {
    json j = {{"id", record.id},
              {"ociVersion", record.oci_version},
              {"bundle", record.bundle.string()},
              {"rootfs", record.rootfs.string()},
              {"created", format_rfc3339(record.created)},
              {"pid", record.sandbox.pid},
              {"startTime", record.sandbox.start_time},
              {"sandbox", record.sandbox.detail},
              {"limits", record.limits},
              {"filter", record.filter},
              {"poststart", record.poststart_hooks},
              {"poststop", record.poststop_hooks},
              {"annotations", record.annotations}};
    if (!record.listener.empty()) {
        j["listener"] = record.listener;
        j["listenerMetadata"] = record.listener_metadata;
    }
    if (record.memory_policy) j["memoryPolicy"] = to_json(*record.memory_policy);
    write_file_atomic(path_ / state_file, j.dump(-1, ' ', false, json::error_handler_t::replace),
                      0600, Durability::rebuildable);
}

bool Entry::waits_for_start() const {
    return ::faccessat(directory_.get(), StateStore::gate, F_OK, 0) == 0;
}

void Entry::unlock() const { ::flock(directory_.get(), LOCK_UN); }

void Entry::erase() const {
    for (const char* name : {StateStore::gate, state_file}) {
        if (::unlinkat(directory_.get(), name, 0) != 0 && errno != ENOENT)
            throw SysError("remove {}", name);
    }
    if (::rmdir(path_.c_str()) == 0 || errno == ENOENT) return;
    remove_tree(path_);  // a temporary name of a writer that was killed
}

Entry StateStore::create(const std::string& id) const {
    check_id(id);
    const fs::path path = root_ / id;
    int result = ::mkdir(path.c_str(), 0700);
    if (result != 0 && errno == ENOENT) {
        make_directories(root_, 0711);
        result = ::mkdir(path.c_str(), 0700);
    }
    if (result != 0) {
        if (errno != EEXIST) throw SysError("create {}", path.string());
        throw Error(ErrorKind::already_exists, "container with id {:?} exists already", id);
    }
    Fd directory = lock_directory(path);
    if (!directory)
        throw Error(ErrorKind::conflict, "container {:?} was removed while it was created", id);
    return {std::move(directory), path};
}

std::optional<Entry> StateStore::find(const std::string& id) const {
    check_id(id);
    const fs::path path = root_ / id;
    Fd directory = lock_directory(path);
    if (!directory) return std::nullopt;
    return Entry{std::move(directory), path};
}

Entry StateStore::get(const std::string& id) const {
    auto entry = find(id);
    if (!entry) throw Error(ErrorKind::not_found, "container {:?} does not exist", id);
    return std::move(*entry);
}

std::vector<std::string> StateStore::list() const {
    std::vector<std::string> ids;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(root_, error)) {
        std::string name = entry.path().filename().string();
        if (!name.starts_with('.') && entry.is_directory(error)) ids.push_back(std::move(name));
    }
    std::ranges::sort(ids);
    return ids;
}

}  // namespace brig::runtime
