// brig cp: files into containers and out of them, by docker's rules for what the destination is.
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/strings.h"
#include "cli/attach_session.h"
#include "cli/commands.h"
#include "cli/copy_files.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/units.h"

namespace brig::cli {
namespace {

namespace fs = std::filesystem;

struct CopyFlags {
    bool archive = false;
    bool follow = false;
    bool quiet = false;
};

/// "CONTAINER:PATH"; no container for a path of this machine.
struct Side {
    std::string container, path;
};

Side side_of(const std::string& text) {
    const auto [container, path] = split_once(text, ':');
    // "./a:b" and "../a:b" are files.
    if (text.starts_with('/') || !path || container.starts_with('.')) return {"", text};
    return {container, *path};
}

/// What is at one end of the copy.
struct Node {
    std::string path;
    bool exists = false;
    bool directory = false;
    std::string link;  ///< where a link leads
};

bool asks_for_contents(const std::string& path) { return path == "." || path.ends_with("/."); }

std::string base_name(std::string path) {
    if (asks_for_contents(path)) return ".";
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    return path == "/" ? path : path.substr(path.rfind('/') + 1);
}

Node local_node(const std::string& path, bool follow) {
    Node node{path, false, false, ""};
    struct stat status {};
    const int result = follow ? ::stat(path.c_str(), &status) : ::lstat(path.c_str(), &status);
    if (result != 0 && errno == ENOENT) return node;
    if (result != 0) throw SysError("lstat {}", path);
    node.exists = true;
    node.directory = S_ISDIR(status.st_mode);
    return node;
}

Node parse_stat(const std::string& path, const client::Response& head) {
    constexpr std::uint32_t directory = 1U << 31U;
    const auto header = head.header("x-docker-container-path-stat");
    const auto text = header ? from_base64(*header) : std::nullopt;
    if (!text) throw Error(ErrorKind::internal, "the engine's answer does not describe the path");
    const Json stat = parse_json(*text);
    return {path, true, (static_cast<std::uint32_t>(number_of(stat, "mode")) & directory) != 0,
            text_of(stat, "linkTarget")};
}

std::string archive_path(const Side& side) {
    return container_path(side.container, "archive") + client::Query().add("path", side.path).str();
}

Node container_node(client::Client& engine, const Side& side) {
    try {
        client::Exchange head = engine.begin("HEAD", archive_path(side));
        return parse_stat(side.path, head.response());
    } catch (const client::ApiError& error) {
        // A HEAD's answer has no body that says what is missing: the transfer itself will.
        if (error.status() != 404) throw;
        return {side.path, false, false, ""};
    }
}

/// Where the archive is unpacked and what its first name becomes.
struct Placement {
    std::string directory;
    std::string name;
};

Placement place(const Node& source, const Node& target) {
    const std::string base = base_name(source.path);
    if (target.exists && target.directory) return {target.path, base};
    const std::string name = base_name(target.path);
    std::string parent = fs::path(target.path).parent_path().string();
    if (parent.empty()) parent = ".";
    if (target.exists && source.directory) throw Failure(1, "cannot copy directory");
    if (!source.directory && (target.path.ends_with('/') || asks_for_contents(target.path)))
        throw Failure(1, target.exists ? "not a directory" : "no such directory");
    if (source.directory && target.path.ends_with('/'))
        parent = fs::path(target.path).parent_path().parent_path().string();
    return {parent.empty() ? "." : parent, name};
}

void report(const CopyFlags& flags, std::uint64_t bytes, const std::string& where) {
    if (flags.quiet) return;
    print_error(
        fmt::format("Successfully copied {} to {}", human_size(static_cast<double>(bytes)), where));
}

int copy_out(client::Client& engine, Side source, const std::string& target,
             const CopyFlags& flags) {
    if (flags.follow) {
        const Node node = container_node(engine, source);
        if (!node.link.empty()) source.path = node.link;
    }
    client::Exchange exchange = engine.begin("GET", archive_path(source));
    Node node;
    node = parse_stat(source.path, exchange.response());
    std::uint64_t bytes = 0;
    const auto read = [&] {
        const auto piece = exchange.read();
        bytes += piece.size();
        return piece;
    };
    if (target == "-") {
        for (auto piece = read(); !piece.empty(); piece = read()) write_all(STDOUT_FILENO, piece);
        return 0;
    }
    const Placement at = place(node, local_node(target, true));
    if (!local_node(at.directory, true).directory) {
        throw Failure(1, fmt::format("invalid output path: directory \"{}\" does not exist",
                                     fs::absolute(at.directory).string()));
    }
    const std::string whole = fs::absolute(target).string();
    unpack_files({at.directory, base_name(source.path), at.name, flags.archive}, read);
    report(flags, bytes, whole);
    return 0;
}

client::Exchange upload(client::Client& engine, const Side& target, const CopyFlags& flags,
                        client::BodySource body) {
    client::Query query;
    query.add("path", target.path).add("noOverwriteDirNonDir", "true");
    if (flags.archive) query.add("copyUIDGID", "true");
    return engine.begin({.method = "PUT",
                         .target = container_path(target.container, "archive") + query.str(),
                         .content_type = "application/x-tar"},
                        std::move(body));
}

int copy_in(client::Client& engine, const std::string& source, Side target,
            const CopyFlags& flags) {
    Node there = container_node(engine, target);
    if (!there.link.empty()) {
        target.path = there.link;
        there = container_node(engine, target);
    }
    if (source == "-") {
        if (there.exists && !there.directory) {
            throw Failure(1, fmt::format("destination \"{}:{}\" must be a directory",
                                         target.container, target.path));
        }
        upload(engine, target, flags, client::from_descriptor(STDIN_FILENO)).response();
        return 0;
    }
    const Node here = local_node(source, flags.follow || source.ends_with('/'));
    if (!here.exists)
        throw Failure(
            1, fmt::format("lstat {}: no such file or directory", fs::absolute(source).string()));
    const Placement at = place(here, there);
    std::uint64_t bytes = 0;
    const fs::path files = flags.follow ? fs::canonical(source) : fs::path(source);
    const auto body = [&](client::BodySink& sink) {
        pack_files(files, at.name, [&](std::string_view piece) {
            bytes += piece.size();
            sink.write(piece);
        });
    };
    upload(engine, {target.container, at.directory}, flags, body).response();
    report(flags, bytes, target.container + ":" + target.path);
    return 0;
}

}  // namespace

int copy(Invocation& in) {
    CopyFlags flags;
    in.flags.toggle("archive,a", flags.archive, "Keep owner and group");
    in.flags.toggle("follow-link,L", flags.follow, "Copy what a link at SRC_PATH leads to");
    in.flags.toggle("quiet,q", flags.quiet, "Do not say what was copied");
    const auto words = in.parse();
    if (words[0].empty()) throw Failure(1, "source can not be empty");
    if (words[1].empty()) throw Failure(1, "destination can not be empty");
    if (!in.flags.given("quiet")) flags.quiet = !output_is_terminal();
    const Side source = side_of(words[0]);
    const Side target = side_of(words[1]);
    if (!source.container.empty() && !target.container.empty())
        throw Failure(1, "copying between containers is not supported");
    if (!source.container.empty()) return copy_out(in.engine(), source, target.path, flags);
    if (!target.container.empty()) return copy_in(in.engine(), source.path, target, flags);
    throw Failure(1, "must specify at least one container source");
}

}  // namespace brig::cli
