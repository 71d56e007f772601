// Path patterns as Dockerfile and .dockerignore authors know them: Go's path.Clean and
// filepath.Match, so that a pattern means here what it means to docker.
#pragma once

#include <string>
#include <string_view>

namespace brig::oci {

/// The shortest equivalent of a slash-separated path, by text alone ("a//b/../c/" → "a/c",
/// "" → ".", "/.." → "/"). Leading ".." of a relative path are kept.
std::string clean_path(std::string_view path);

/// Whether the whole of `name` matches `pattern`: `*` and `?` stop at '/', `[a-z]`, `[^a-z]`,
/// `\x`. Throws Error{invalid_argument} when the pattern is malformed.
bool glob_match(std::string_view pattern, std::string_view name);

/// Whether `text` holds a character that glob_match() treats specially.
bool has_glob(std::string_view text);

}  // namespace brig::oci
