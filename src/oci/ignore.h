// .dockerignore: which files of a build context stay behind. The client uses it to decide what to
// send, the builder to decide what a COPY may see; both must agree to the byte with docker.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace brig::oci {

/// An ordered list of patterns; the last one that matches a path or one of its parents decides.
/// `*` and `?` stop at '/', `**` does not, a leading '!' re-includes. Immutable once built, and so
/// safe to share between threads.
class IgnorePatterns {
public:
    IgnorePatterns();
    /// Throws Error{invalid_argument} naming the pattern that is malformed.
    explicit IgnorePatterns(const std::vector<std::string>& patterns);
    /// The text of a .dockerignore file: comments, blank lines and a byte order mark are skipped.
    static IgnorePatterns parse(std::string_view text);

    IgnorePatterns(IgnorePatterns&&) noexcept;
    IgnorePatterns& operator=(IgnorePatterns&&) noexcept;
    ~IgnorePatterns();

    /// `path` is relative to the context, slash-separated, clean, not ".".
    [[nodiscard]] bool excludes(std::string_view path) const;
    /// Whether `directory` is excluded and no '!' pattern can bring back anything beneath it, so
    /// that a walk need not enter it.
    [[nodiscard]] bool excludes_tree(std::string_view directory) const;
    [[nodiscard]] bool empty() const;

private:
    struct Pattern;
    std::vector<Pattern> patterns_;
};

}  // namespace brig::oci
