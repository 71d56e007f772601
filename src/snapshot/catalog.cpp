// See catalog.h.
#include "snapshot/catalog.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "archive/nodes.h"
#include "base/directory.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strings.h"
#include "os/file_flags.h"

namespace brig::snapshot {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view rubbish_prefix = "rm-";

std::string_view to_string(Kind kind) {
    switch (kind) {
        case Kind::active: return "active";
        case Kind::view: return "view";
        case Kind::committed: return "committed";
    }
    return "";
}

std::optional<Kind> parse_kind(std::string_view text) {
    for (const Kind kind : {Kind::active, Kind::view, Kind::committed}) {
        if (to_string(kind) == text) return kind;
    }
    return std::nullopt;
}

std::string serialise(const Catalog::Record& record) {
    return fmt::format("{}\n{}\n{}\n{}\nend\n", to_string(record.kind), record.key,
                       record.parent ? std::to_string(*record.parent) : "-",
                       record.created.time_since_epoch().count());
}

/// Nothing for a file that a crash cut short.
std::optional<Catalog::Record> parse(std::uint64_t id, const std::string& text) {
    const auto lines = split(text, '\n');
    if (lines.size() != 6 || lines[4] != "end") return std::nullopt;
    const auto kind = parse_kind(lines[0]);
    const auto parent = parse_int<std::uint64_t>(lines[2]);
    const auto created = parse_int<std::int64_t>(lines[3]);
    if (!kind || !created || (!parent && lines[2] != "-")) return std::nullopt;
    return Catalog::Record{id, *kind, lines[1], parent,
                           Instant(std::chrono::nanoseconds(*created))};
}

std::optional<Catalog::Record> read_record(const fs::path& directory, std::uint64_t id) {
    try {
        return parse(id, read_file(directory / "meta", 64 * 1024));
    } catch (const Error&) {
        return std::nullopt;
    }
}

void check_key(const std::string& key) {
    const bool bad = key.empty() || key.size() > 1024 ||
                     std::ranges::any_of(key, [](unsigned char c) { return c < 32 || c == 127; });
    if (bad)
        throw Error(ErrorKind::invalid_argument, "invalid snapshot key {:?}", key.substr(0, 100));
}

void remove_rubbish(const fs::path& path) {
    try {
        os::remove_protected_tree_at(AT_FDCWD, path.string());
    } catch (const Error& e) {
        log::warn("cannot clean up: {}", e.message());
    }
}

struct Counting {
    std::optional<timespec> since;
    Usage usage;
    std::set<std::pair<dev_t, ino_t>> linked;
};

/// What is deeper than a walk goes is left out: better than no figures because of one container.
void add_usage(int directory, Counting& counting, std::size_t depth = 0) {
    if (depth > archive::max_depth) return;
    for (const auto& name : names_in(directory)) {
        const auto info = archive::stat_at(directory, name);
        if (!info) continue;
        const bool repeated = info->st_nlink > 1 && !S_ISDIR(info->st_mode) &&
                              !counting.linked.emplace(info->st_dev, info->st_ino).second;
        const bool inherited = counting.since && is_before(info->st_ctim, *counting.since);
        if (!repeated && !inherited) {
            counting.usage.bytes += static_cast<std::uint64_t>(info->st_blocks) * 512;
            ++counting.usage.inodes;
        }
        if (const Fd inside = archive::open_directory_at(directory, name)) {
            add_usage(inside.get(), counting, depth + 1);
        }
    }
}

}  // namespace

Catalog::Catalog(fs::path root) : root_(std::move(root)) {
    make_directories(root_, 0700);
    load();
}

void Catalog::load() {
    std::vector<fs::path> rubbish;
    for (const auto& entry : fs::directory_iterator(root_)) {
        const auto id = parse_int<std::uint64_t>(entry.path().filename().string());
        if (id) next_id_ = std::max(next_id_, *id + 1);
        auto record = id ? read_record(entry.path(), *id) : std::nullopt;
        if (record && !by_key_.contains(record->key)) {
            by_key_.emplace(record->key, *id);
            by_id_.emplace(*id, std::move(*record));
        } else {
            rubbish.push_back(entry.path());
        }
    }
    // A snapshot whose parent did not survive cannot be mounted; its own children neither.
    for (bool changed = true; changed;) {
        changed = std::erase_if(by_id_, [&](const auto& item) {
                      const auto& parent = item.second.parent;
                      if (!parent || by_id_.contains(*parent)) return false;
                      by_key_.erase(item.second.key);
                      rubbish.push_back(directory(item.first));
                      return true;
                  }) > 0;
    }
    for (const auto& [id, record] : by_id_) {
        if (record.parent) ++children_[*record.parent];
    }
    for (const auto& path : rubbish) remove_rubbish(path);
}

void Catalog::skip(std::uint64_t id) {
    const std::scoped_lock lock(mutex_);
    next_id_ = std::max(next_id_, id + 1);
}

fs::path Catalog::directory(std::uint64_t id) const { return root_ / std::to_string(id); }

/// Called with the lock held.
const Catalog::Record& Catalog::find(const std::string& key) const {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) throw Error(ErrorKind::not_found, "no snapshot {}", key);
    return by_id_.at(found->second);
}

/// Called with the lock held.
std::uint64_t Catalog::parent_id(const std::string& key) const {
    const Record& record = find(key);
    if (record.kind != Kind::committed) {
        throw Error(ErrorKind::failed_precondition, "snapshot {} is not committed", key);
    }
    return record.id;
}

Catalog::Record Catalog::reserve(const std::string& key, const std::optional<std::string>& parent,
                                 Kind kind) {
    check_key(key);
    const std::scoped_lock lock(mutex_);
    if (by_key_.contains(key))
        throw Error(ErrorKind::already_exists, "snapshot {} already exists", key);
    Record record{next_id_, kind, key, std::nullopt, now()};
    if (parent) record.parent = parent_id(*parent);
    const fs::path made = directory(record.id);
    if (::mkdir(made.c_str(), 0700) != 0) throw SysError("create directory {}", made.string());
    ++next_id_;
    by_key_.emplace(key, record.id);
    by_id_.emplace(record.id, record);
    if (record.parent) ++children_[*record.parent];
    return record;
}

/// Not flushed: a container's snapshot that a power loss takes is one nobody can have relied on.
/// Nor renamed into place: the last line tells whether the file is whole.
void Catalog::publish(const Record& record) {
    const fs::path path = directory(record.id) / "meta";
    const Fd file = open_file(path.string(), O_WRONLY | O_CREAT | O_EXCL, 0600);
    write_all(file.get(), serialise(record));
}

void Catalog::abandon(const Record& record) noexcept {
    try {
        remove_rubbish(take_out(record.key));
    } catch (const std::exception& e) {
        log::warn("cannot give up snapshot {}: {}", record.key, e.what());
    }
}

void Catalog::rewrite(const Record& record) const {
    write_file_atomic(directory(record.id) / "meta", serialise(record), 0600,
                      Durability::rebuildable);
}

void Catalog::rebase(const std::string& key, const std::string& parent) {
    const std::scoped_lock lock(mutex_);
    Record& record = by_id_.at(find(key).id);
    if (record.kind != Kind::active || record.parent) {
        throw Error(ErrorKind::failed_precondition, "snapshot {} is not active and on nothing",
                    key);
    }
    Record changed = record;
    changed.parent = parent_id(parent);
    rewrite(changed);
    record = changed;
    ++children_[*record.parent];
}

void Catalog::commit(const std::string& name, const std::string& key) {
    check_key(name);
    const std::scoped_lock lock(mutex_);
    Record& record = by_id_.at(find(key).id);
    if (by_key_.contains(name))
        throw Error(ErrorKind::already_exists, "snapshot {} already exists", name);
    if (record.kind != Kind::active) {
        throw Error(ErrorKind::failed_precondition, "snapshot {} is not active", key);
    }
    Record changed = record;
    changed.kind = Kind::committed;
    changed.key = name;
    rewrite(changed);
    record = changed;
    by_key_.erase(key);
    by_key_.emplace(name, record.id);
}

fs::path Catalog::take_out(const std::string& key) {
    const std::scoped_lock lock(mutex_);
    const Record record = find(key);
    if (const auto children = children_.find(record.id); children != children_.end()) {
        throw Error(ErrorKind::failed_precondition, "snapshot {} has {} children", key,
                    children->second);
    }
    const fs::path from = directory(record.id);
    const fs::path to = root_ / (std::string(rubbish_prefix) + std::to_string(record.id));
    if (::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT) {
        throw SysError("rename {}", from.string());
    }
    if (record.parent && --children_[*record.parent] == 0) children_.erase(*record.parent);
    by_id_.erase(record.id);
    by_key_.erase(key);
    return to;
}

Catalog::Record Catalog::get(const std::string& key) const {
    const std::scoped_lock lock(mutex_);
    return find(key);
}

Info Catalog::info_of(const Record& record) const {
    Info out{record.key, record.kind, std::nullopt, record.created};
    if (record.parent) out.parent = by_id_.at(*record.parent).key;
    return out;
}

std::optional<Info> Catalog::stat(const std::string& key) const {
    const std::scoped_lock lock(mutex_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return std::nullopt;
    return info_of(by_id_.at(found->second));
}

std::vector<Info> Catalog::list() const {
    const std::scoped_lock lock(mutex_);
    std::vector<Info> out;
    out.reserve(by_id_.size());
    for (const auto& [id, record] : by_id_) out.push_back(info_of(record));
    return out;
}

std::vector<std::uint64_t> Catalog::ancestors(const Record& record) const {
    const std::scoped_lock lock(mutex_);
    std::vector<std::uint64_t> out;
    for (auto parent = record.parent; parent; parent = by_id_.at(*parent).parent)
        out.push_back(*parent);
    return out;
}

Usage usage_of(const fs::path& directory, const std::optional<timespec>& since) {
    Counting counting{.since = since, .usage = {}, .linked = {}};
    const Fd root = open_file(directory.string(), O_RDONLY | O_DIRECTORY);
    add_usage(root.get(), counting);
    return counting.usage;
}

}  // namespace brig::snapshot
