#include "build/session.h"

#include <fcntl.h>

#include "base/error.h"
#include "base/strings.h"
#include "os/beneath.h"

namespace brig::build {
namespace {

constexpr std::size_t max_text_file = 4U << 20U;

std::optional<std::string> read_in(int root, const std::string& path) {
    try {
        const Fd file = os::open_in_root(root, path, O_RDONLY | O_NONBLOCK);
        struct stat info {};
        if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
            throw Error(ErrorKind::invalid_argument, "{} is not a regular file", path);
        }
        return read_to_end(file.get(), max_text_file);
    } catch (const SysError& error) {
        if (error.error_number() == ENOENT || error.error_number() == ENOTDIR) return std::nullopt;
        throw;
    }
}

oci::IgnorePatterns read_ignore_file(int root, const std::string& dockerfile) {
    for (const auto& name : {dockerfile + ".dockerignore", std::string(".dockerignore")}) {
        if (const auto text = read_in(root, name)) {
            try {
                return oci::IgnorePatterns::parse(*text);
            } catch (const Error& error) {
                throw error.within(name);
            }
        }
    }
    return {};
}

}  // namespace

Context::Context(const std::filesystem::path& directory, const std::string& dockerfile)
    : root_(open_file(directory, O_RDONLY | O_DIRECTORY)) {
    files_.emplace(root_.get(), read_ignore_file(root_.get(), dockerfile), false);
}

std::string Context::read(const std::string& path) const {
    if (auto text = read_in(root_.get(), path)) return *text;
    throw Error(ErrorKind::not_found, "cannot locate specified Dockerfile: {}", path);
}

void Session::check_cancelled() const {
    if (progress.cancelled()) throw Error(ErrorKind::cancelled, "build cancelled");
}

std::optional<std::string> Session::build_arg(const std::string& name) {
    const auto found = request.build_args.find(name);
    if (found == request.build_args.end()) return std::nullopt;
    consumed_args.insert(name);
    return found->second;
}

const FinishedStage* Session::find_stage(const std::string& reference) const {
    const auto name = to_lower(reference);
    for (const auto& stage : stages) {
        if (!stage.name.empty() && stage.name == name) return &stage;
    }
    const auto number = parse_int<unsigned>(reference);
    return number && *number < stages.size() ? &stages[*number] : nullptr;
}

std::string short_id(const Digest& id) { return std::string(id.hex().substr(0, 12)); }

}  // namespace brig::build
