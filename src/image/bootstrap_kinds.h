// The base systems bootstrap knows, and the program runner they share. Private to this layer.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "image/bootstrap.h"

namespace brig::image {

struct BootstrapTask {
    Store& store;
    const BootstrapRequest& request;
    std::string release;  ///< what stands behind the colon
    oci::Reference name;
    const Progress& progress;
};

/// A static busybox of the host with all its applets.
Image bootstrap_busybox(const BootstrapTask& task);
/// mmdebstrap or debootstrap, smallest variant.
Image bootstrap_debian(const BootstrapTask& task);
/// FreeBSD's base.txz, checked against its MANIFEST.
Image bootstrap_freebsd(const BootstrapTask& task);

/// SOURCE_DATE_EPOCH, where the engine was started with it: the date that every image made here is
/// to have.
std::optional<Instant> source_date_epoch();

/// The first of `names` found in the usual program directories.
std::optional<std::string> find_program(const std::vector<std::string>& names);

/// A program started with an argument array, never by a shell, in a fixed environment. Its output
/// is read from out(); its messages on stderr become progress lines as they come (from a thread of
/// its own) and the error's text.
class Program {
public:
    /// `argv[0]` is an absolute path; `environment` ("NAME=value") is added to the fixed one.
    Program(const std::vector<std::string>& argv, const Progress& progress,
            const std::vector<std::string>& environment = {});
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    /// Kills it when it has not been waited for.
    ~Program();

    [[nodiscard]] int out() const { return out_.get(); }
    /// Its output, at whose end it is waited for: a failure shows before the output counts.
    std::unique_ptr<archive::Source> output();
    /// Throws Error{failed_precondition} with its last messages when it failed.
    void wait();

private:
    void read_messages(const Progress& progress);

    std::string name_;
    pid_t pid_ = -1;
    Fd out_;
    Fd messages_;
    std::vector<std::string> last_messages_;
    std::thread reader_;
};

/// Everything a program prints on stdout.
std::string run_program(const std::vector<std::string>& argv, const Progress& progress,
                        const std::vector<std::string>& environment = {});

}  // namespace brig::image
