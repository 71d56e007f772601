// See seccomp_profiles.h.
#include "engine/seccomp_profiles.h"

#include <unistd.h>

#include <map>
#include <mutex>

#include "base/digest.h"
#include "base/file.h"
#include "oci/runtime_defaults.h"

namespace brig::engine {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t most_known = 64;

}  // namespace

oci::Seccomp seccomp_for(const Strings& capabilities) { return oci::default_seccomp(capabilities); }

fs::path seccomp_file_for(const Strings& capabilities, const fs::path& directory) {
    static std::mutex mutex;
    static std::map<Strings, std::string> names;
    const std::lock_guard lock(mutex);
    const auto known = names.find(capabilities);
    if (known != names.end()) {
        fs::path file = directory / known->second;
        if (::access(file.c_str(), R_OK) == 0) return file;
    }
    const std::string text = oci::to_json(seccomp_for(capabilities));
    // Named by its content: another version's is another file.
    const std::string name = std::string(Digest::of(text).hex()) + ".json";
    make_directories(directory, 0711);
    write_file_atomic(directory / name, text, 0600, Durability::rebuildable);
    if (names.size() > most_known) names.clear();
    names.insert_or_assign(capabilities, name);
    return directory / name;
}

}  // namespace brig::engine
