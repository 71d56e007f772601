// brig run, brig create: make a container, and stay with it until it ends.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/strings.h"
#include "cli/attach_session.h"
#include "cli/commands.h"
#include "cli/container_flags.h"
#include "cli/detach_keys.h"
#include "cli/exit_codes.h"
#include "cli/output.h"
#include "cli/pull_image.h"
#include "oci/image_id.h"

namespace brig::cli {
namespace {

struct RunFlags {
    ContainerFlags container;
    bool detach = false;
    bool proxy_signals = true;
    bool quiet = false;
    std::string detach_keys;
};

/// Reserves --cidfile before anything is created; an ID that cannot be kept is not started.
class CidFile {
public:
    explicit CidFile(std::string path) : path_(std::move(path)) {
        if (path_.empty()) return;
        if (::access(path_.c_str(), F_OK) == 0) {
            throw Error(
                ErrorKind::already_exists,
                "container ID file found, make sure the other container isn't running or delete {}",
                path_);
        }
        try {
            file_ = open_file(path_, O_WRONLY | O_CREAT | O_EXCL, 0644);
        } catch (const Error& error) {
            throw error.within("failed to create the container ID file");
        }
    }
    CidFile(const CidFile&) = delete;
    CidFile& operator=(const CidFile&) = delete;
    ~CidFile() {
        if (file_ && !written_) ::unlink(path_.c_str());
    }
    void write(const std::string& id) {
        if (!file_) return;
        write_all(file_.get(), id);
        written_ = true;
    }

private:
    std::string path_;
    Fd file_;
    bool written_ = false;
};

std::string with_tag(const std::string& image) {
    const bool has_digest = image.find('@') != std::string::npos;
    const auto colon = image.rfind(':');
    const bool has_tag = colon != std::string::npos && image.find('/', colon) == std::string::npos;
    return has_digest || has_tag ? image : image + ":latest";
}

void pull(client::Client& engine, const std::string& image, const ContainerFlags& flags,
          bool quiet) {
    pull_image(engine, image, {.platform = flags.platform, .quiet = quiet, .to_stderr = true});
}

Json create(client::Client& engine, const ContainerFlags& flags, const Json& body) {
    client::Query query;
    if (!flags.name.empty()) query.add("name", flags.name);
    if (!flags.platform.empty()) query.add("platform", flags.platform);
    return parse_json(engine.call("POST", "/containers/create" + query.str(), body.dump()).body);
}

bool says_image_is_missing(const client::ApiError& error) {
    const auto said = to_lower(error.said());
    const auto says = [&](const char* words) { return said.find(words) != std::string::npos; };
    // One for another platform is not the one that was asked for.
    return error.status() == 404 &&
           (says("no such image") || says("does not provide the specified platform"));
}

std::string create_or_pull(client::Client& engine, const ContainerFlags& flags, const Json& body,
                           bool quiet) {
    const std::string image = text_of(body, "Image");
    if (flags.pull != "missing" && flags.pull != "always" && flags.pull != "never") {
        throw Error(
            ErrorKind::invalid_argument,
            "invalid pull option: '{}': must be one of \"always\", \"missing\" or \"never\"",
            flags.pull);
    }
    CidFile cid(flags.cidfile);
    if (flags.pull == "always") pull(engine, image, flags, quiet);
    Json created;
    try {
        created = create(engine, flags, body);
    } catch (const client::ApiError& error) {
        if (flags.pull != "missing" || !says_image_is_missing(error) || oci::is_id_alone(image))
            throw;
        if (!quiet) print_error(fmt::format("Unable to find image '{}' locally", with_tag(image)));
        pull(engine, image, flags, quiet);
        created = create(engine, flags, body);
    }
    for (const Json& warning : at_path(created, "Warnings")) {
        print_error("WARNING: " + warning.get<std::string>());
    }
    std::string id = text_of(created, "Id");
    cid.write(id);
    return id;
}

void start(client::Client& engine, const std::string& id) {
    try {
        engine.call("POST", container_path(id, "start"));
    } catch (const client::ApiError& error) {
        const std::string message =
            "brig: " + error.message() + "\n\nRun 'brig run --help' for more information";
        throw Failure(start_failure_code(error.said()), message);
    }
}

AttachWish attach_wish(const RunFlags& flags, const Json& body, const std::string& id) {
    return {.container = id,
            .tty = flags.container.tty,
            .in = truth_of(body, "AttachStdin"),
            .out = truth_of(body, "AttachStdout"),
            .err = truth_of(body, "AttachStderr"),
            .proxy_signals = flags.proxy_signals,
            .detach_keys = flags.detach_keys};
}

int run_attached(client::Client& engine, const RunFlags& flags, const AttachWish& wish) {
    StreamPlan plan = plan_for(engine, wish);
    client::Exchange attach = begin_attach(engine, wish);
    client::Exchange wait =
        begin_wait(engine, wish.container, flags.container.auto_remove ? "removed" : "next-exit");
    plan.ended_fd = wait.fd();
    client::Hijacked connection = attach.hijack();
    wait.response();
    if (wait.has_input()) plan.ended_fd = -1;
    Stream stream(std::move(plan));
    start(engine, wish.container);
    if (wish.tty) stream.announce_size();
    if (stream.run(std::move(connection)) == StreamEnd::detached) return 0;
    if (!wait.has_input()) stream.await_readable(wait.fd());
    return exit_code_of(wait);
}

/// Checks that need no engine come first.
void check(const RunFlags& flags) {
    if (flags.detach && !flags.container.attach.empty()) {
        throw Failure(1, "conflicting options: cannot specify both --attach and --detach");
    }
    if (!flags.detach && flags.container.tty && flags.container.interactive &&
        !os::is_terminal(STDIN_FILENO)) {
        throw Failure(1, "the input device is not a TTY");
    }
}

void add_console_size(Json& body, const ContainerFlags& flags) {
    const auto size = flags.tty ? os::window_size(STDOUT_FILENO) : std::nullopt;
    if (size) body["HostConfig"]["ConsoleSize"] = Json::array({size->rows, size->columns});
}

Json request_body(const ContainerFlags& flags, const std::vector<std::string>& words,
                  bool detached) {
    if (words[0].empty()) throw Error(ErrorKind::invalid_argument, "invalid reference format");
    Json body = flags.request(words[0], {words.begin() + 1, words.end()}, detached);
    add_console_size(body, flags);
    return body;
}

}  // namespace

int run(Invocation& in) {
    RunFlags flags;
    flags.container.declare(in.flags);
    in.flags.toggle("detach,d", flags.detach,
                    "Leave the container in the background and print its ID");
    in.flags.toggle("sig-proxy", flags.proxy_signals, "Pass signals on to the container")
        .shows_default("true");
    in.flags.text("detach-keys", flags.detach_keys, "Keys that leave the container running");
    in.flags.toggle("quiet,q", flags.quiet, "Show nothing of a pull");
    const auto words = in.parse();
    check(flags);
    parse_detach_keys(flags.detach_keys);
    const Json body = request_body(flags.container, words, flags.detach);
    const std::string id = create_or_pull(in.engine(), flags.container, body, flags.quiet);
    if (!flags.detach) return run_attached(in.engine(), flags, attach_wish(flags, body, id));
    start(in.engine(), id);
    print_line(id);
    return 0;
}

int create(Invocation& in) {
    ContainerFlags flags;
    bool quiet = false;
    flags.declare(in.flags);
    in.flags.toggle("quiet,q", quiet, "Show nothing of a pull");
    const auto words = in.parse();
    const auto body = request_body(flags, words, false);
    try {
        print_line(create_or_pull(in.engine(), flags, body, quiet));
    } catch (const client::ApiError& error) {
        // Unlike of run, only what is wrong with the command line is 125.
        throw Failure(1, error.message());
    }
    return 0;
}

}  // namespace brig::cli
