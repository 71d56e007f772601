// brig build.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/strings.h"
#include "cli/build_context.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/registry_login.h"
#include "cli/units.h"
#include "os/terminal.h"

namespace brig::cli {
namespace {

constexpr std::size_t dockerfile_limit = 16U << 20U;
constexpr std::size_t archive_header = 512;

struct BuildFlags {
    std::vector<std::string> tags, args, labels, cache_from, add_hosts;
    std::string file, target, network, platform, id_file;
    std::optional<std::int64_t> memory, shm_size;
    bool no_cache = false;
    bool pull = false;
    bool quiet = false;
    bool remove = true;
    bool force_remove = false;

    void declare(Flags& flags) {
        flags.list("tag,t", tags, "Name (and tag) of the image");
        flags.text("file,f", file,
                   "The Dockerfile (default PATH/Dockerfile); - for standard input");
        flags.list("build-arg", args, "Set a build-time variable");
        flags.list("label", labels, "Set a label of the image");
        flags.toggle("no-cache", no_cache, "Run every step anew");
        flags.toggle("pull", pull, "Fetch newer versions of base images");
        flags.toggle("quiet,q", quiet, "Print nothing but the image's ID");
        flags.text("target", target, "Build up to this stage");
        flags.text("network", network, "Network of RUN steps");
        flags.text("platform", platform, "Platform of the image");
        flags.text("iidfile", id_file, "File to write the image's ID to");
        flags.list("cache-from", cache_from, "Images whose steps may be reused");
        flags.list("add-host", add_hosts, "Add a line to /etc/hosts of RUN steps (HOST:IP)");
        flags.bytes("memory,m", memory, "Memory limit of RUN steps");
        flags.bytes("shm-size", shm_size, "Size of /dev/shm of RUN steps");
        flags.toggle("rm", remove, "Remove intermediate containers").shows_default("true");
        flags.toggle("force-rm", force_remove, "Remove them after a failure, too");
    }

    [[nodiscard]] std::string query(const std::string& dockerfile) const {
        client::Query query;
        for (const auto& tag : tags) query.add("t", tag);
        if (!dockerfile.empty()) query.add("dockerfile", dockerfile);
        if (!args.empty()) query.add("buildargs", build_args().dump());
        if (!labels.empty()) query.add("labels", as_map(labels).dump());
        if (!cache_from.empty()) query.add("cachefrom", Json(cache_from).dump());
        if (!add_hosts.empty()) query.add("extrahosts", join(add_hosts, ","));
        if (!target.empty()) query.add("target", target);
        if (!network.empty()) query.add("networkmode", network);
        if (!platform.empty()) query.add("platform", platform);
        if (memory) query.add("memory", std::to_string(*memory));
        if (shm_size) query.add("shmsize", std::to_string(*shm_size));
        query.flag("nocache", no_cache)
            .flag("pull", pull)
            .flag("q", quiet)
            .flag("forcerm", force_remove);
        query.add("rm", remove ? "1" : "0").add("version", "1");
        return query.str();
    }

private:
    static Json as_map(const std::vector<std::string>& pairs) {
        Json map = Json::object();
        for (const auto& pair : pairs) {
            const auto [key, value] = split_once(pair, '=');
            map[key] = value.value_or("");
        }
        return map;
    }

    /// A bare name takes our environment's value; null says that it has none.
    [[nodiscard]] Json build_args() const {
        Json map = Json::object();
        for (const auto& pair : args) {
            const auto [key, value] = split_once(pair, '=');
            const char* own = value ? nullptr : std::getenv(key.c_str());
            if (value)
                map[key] = *value;
            else
                map[key] = own == nullptr ? Json() : Json(own);
        }
        return map;
    }
};

/// "Sending build context …": on a terminal it grows, elsewhere it is said once at the end.
class UploadMeter {
public:
    explicit UploadMeter(bool quiet) : quiet_(quiet), terminal_(output_is_terminal()) {}
    void add(std::size_t bytes) {
        sent_ += bytes;
        if (!terminal_ || sent_ - shown_ < (1U << 20U)) return;
        shown_ = sent_;
        say("");
    }
    void done() { say("\n"); }

private:
    void say(std::string_view end) const {
        if (quiet_) return;
        const std::string start = terminal_ ? "\r" : "";
        write_all(STDOUT_FILENO, fmt::format("{}Sending build context to the Brig engine  {}{}",
                                             start, human_size(static_cast<double>(sent_)), end));
    }
    bool quiet_;
    bool terminal_;
    std::size_t sent_ = 0;
    std::size_t shown_ = 0;
};

client::BodySource send_context(BuildContext context, bool quiet) {
    return [context = std::move(context), quiet](client::BodySink& sink) {
        UploadMeter meter(quiet);
        write_context(context, [&](std::string_view piece) {
            sink.write(piece);
            meter.add(piece.size());
        });
        meter.done();
    };
}

std::string read_standard_input() { return read_to_end(STDIN_FILENO, dockerfile_limit); }

/// The first bytes of an archive on standard input, or the whole of a Dockerfile.
std::string read_start() {
    std::string start(archive_header, '\0');
    std::size_t have = 0;
    while (have < start.size()) {
        const auto n =
            read_some(STDIN_FILENO, std::as_writable_bytes(std::span(start)).subspan(have));
        if (n == 0) break;
        have += n;
    }
    start.resize(have);
    return start;
}

struct Upload {
    std::string dockerfile;  ///< its path in the context
    client::BodySource source;
    std::string shown_as;  ///< what the user calls it, where the context has another name for it
};

Upload upload_from_standard_input(const BuildFlags& flags) {
    std::string start = read_start();
    if (looks_like_archive(start)) {
        return {flags.file, [start = std::move(start)](client::BodySink& sink) {
                    sink.write(start);
                    client::from_descriptor(STDIN_FILENO)(sink);
                }};
    }
    if (!flags.file.empty())
        throw Failure(1,
                      "ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles");
    BuildContext context{.dockerfile = "Dockerfile",
                         .dockerfile_text = start + read_standard_input(),
                         .adds_dockerfile = true};
    return {context.dockerfile, send_context(context, flags.quiet)};
}

Upload choose_upload(const std::string& path, const BuildFlags& flags) {
    if (path == "-" && flags.file == "-") {
        throw Failure(1, "invalid argument: can't use stdin for both build context and dockerfile");
    }
    if (path == "-") return upload_from_standard_input(flags);
    if (path.find("://") != std::string::npos || path.starts_with("git@")) {
        throw Failure(1,
                      "unable to prepare context: building from a URL is not implemented; fetch it "
                      "and give its path");
    }
    BuildContext context = prepare_context(path, flags.file, read_standard_input);
    Upload upload{.dockerfile = context.dockerfile};
    if (context.adds_dockerfile) upload.shown_as = flags.file == "-" ? "<stdin>" : flags.file;
    upload.source = send_context(std::move(context), flags.quiet);
    return upload;
}

/// Errors name the Dockerfile; a name that we made up would tell nothing.
std::string in_users_words(std::string message, const Upload& upload) {
    if (upload.shown_as.empty()) return message;
    for (auto at = message.find(upload.dockerfile); at != std::string::npos;
         at = message.find(upload.dockerfile)) {
        message.replace(at, upload.dockerfile.size(), upload.shown_as);
    }
    return message;
}

/// A file to which the shell has redirected our output, as /dev/stdout leads to it.
bool is_our_output(const struct stat& file) {
    for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
        struct stat info {};
        if (::fstat(stream, &info) == 0 && info.st_dev == file.st_dev && info.st_ino == file.st_ino)
            return true;
    }
    return false;
}

/// What is there is of another build, and must not pass for the one that may fail now. Through
/// links; what is no ordinary file stays.
void forget_id(const std::string& file) {
    struct stat info {};
    if (file.empty() || ::stat(file.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return;
    if (is_our_output(info)) return;
    const std::string target = std::filesystem::canonical(file).string();
    if (::unlink(target.c_str()) != 0) throw SysError("remove {}", target);
}

}  // namespace

int build(Invocation& in) {
    BuildFlags flags;
    flags.declare(in.flags);
    const auto words = in.parse();
    Upload upload = choose_upload(words[0], flags);
    forget_id(flags.id_file);
    client::Request request{.method = "POST",
                            .target = "/build" + flags.query(upload.dockerfile),
                            .content_type = "application/x-tar"};
    if (const auto logins = registry_config(); !logins.empty())
        request.headers.push_back({"X-Registry-Config", logins});
    client::Exchange exchange = in.engine().begin(std::move(request), std::move(upload.source));
    std::string image;
    try {
        show_progress(exchange, {.quiet = flags.quiet, .on_aux = [&](const Json& aux) {
                                     image = text_of(aux, "ID", image);
                                 }});
    } catch (const Failure& failure) {
        throw Failure(failure.exit_code(), in_users_words(failure.message(), upload));
    } catch (const client::ApiError& error) {
        throw Failure(1, in_users_words(error.message(), upload));
    }
    if (flags.quiet) print_line(image);
    // Not replaced: it may be a device or a link.
    if (!flags.id_file.empty())
        write_all(open_file(flags.id_file, O_WRONLY | O_CREAT | O_TRUNC, 0644).get(), image);
    return 0;
}

}  // namespace brig::cli
