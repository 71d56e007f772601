// Tar archives that the command line makes of the user's own files: a build's context, what cp
// takes into a container.
#pragma once

#include <archive.h>
#include <sys/stat.h>

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace brig::cli {

using TarSink = std::function<void(std::string_view)>;

/// A pax archive whose pieces go to a sink. An exception of the sink passes through libarchive as
/// a failed write and is thrown again on this side.
class TarWriter {
public:
    explicit TarWriter(const TarSink& sink);

    /// A node; the body of a regular file follows by data(). `owned`: with its owner and group,
    /// else root's.
    void add(const std::string& name, const struct stat& status, const std::string& link,
             bool owned = false);
    void data(std::string_view bytes);
    /// The body of the file just added: what is in `file`, as much as the status said.
    void copy(int file, const struct stat& status, const std::string& name);
    void finish();

private:
    struct Free {
        void operator()(archive* a) const { ::archive_write_free(a); }
    };
    static la_ssize_t on_write(archive* a, void* self, const void* data, std::size_t size);
    void check(int result);
    [[noreturn]] void fail();

    const TarSink& sink_;
    std::exception_ptr failure_;
    std::unique_ptr<archive, Free> archive_;
};

}  // namespace brig::cli
