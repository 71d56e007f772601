// What `brig build PATH` sends: the context's files as a tar stream, those of .dockerignore left
// behind, and a Dockerfile from elsewhere added under a name of its own.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace brig::cli {

struct BuildContext {
    std::filesystem::path directory;  ///< empty: only the Dockerfile is sent
    /// The Dockerfile's path inside the context.
    std::string dockerfile;
    /// Its text where it is not a file of the context.
    std::string dockerfile_text;
    bool adds_dockerfile = false;
};

/// `file`: -f, empty where not given, "-" for `standard_input`. Throws Error naming what is not
/// there.
BuildContext prepare_context(const std::string& path, const std::string& file,
                             const std::function<std::string()>& standard_input);

/// Writes the tar to `sink`. Throws Error.
void write_context(const BuildContext& context, const std::function<void(std::string_view)>& sink);

/// Whether these first bytes begin a tar archive, compressed or not, rather than a Dockerfile.
bool looks_like_archive(std::string_view start);

}  // namespace brig::cli
