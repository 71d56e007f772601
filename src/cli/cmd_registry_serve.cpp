// registry serve, registry gc: a registry of one's own. brigd's program does the work; here are the
// flags and their help.
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/session.h"

namespace brig::cli {
namespace {

/// Becomes brigd. Returns only as an exception.
[[noreturn]] void become(const std::vector<std::string>& arguments) {
    std::vector<std::string> words{engine_program(), "registry"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    flush_output();
    ::execvp(argv[0], argv.data());
    throw Failure(1, fmt::format("cannot execute {}: {}", words[0], std::strerror(errno)));
}

void add(std::vector<std::string>& words, std::string_view name, const std::string& value) {
    if (!value.empty()) words.push_back(fmt::format("--{}={}", name, value));
}

}  // namespace

int registry_serve(Invocation& in) {
    std::string listen, root, certificate, key, htpasswd;
    std::vector<std::string> repositories;
    bool stdio = false, read_only = false, insecure = false, debug = false;
    in.flags.text("listen", listen, "Where to listen").shows_default("127.0.0.1:5000");
    in.flags.toggle("stdio", stdio, "Serve one client on standard input and output (for SSH)");
    in.flags.text("root", root, "Where the registry is kept");
    in.flags.text("tls-cert", certificate, "Certificate, with its chain, in PEM");
    in.flags.text("tls-key", key, "Its key");
    in.flags.text("htpasswd", htpasswd, "Users and passwords, as htpasswd -B writes them");
    in.flags.list("repository", repositories, "Only this repository, or all beneath NAME/*");
    in.flags.toggle("read-only", read_only, "Nothing can be pushed or deleted");
    in.flags.toggle("insecure", insecure, "Let others in without TLS or passwords");
    in.flags.toggle("debug", debug, "Log every request");
    in.parse();
    std::vector<std::string> words{"serve"};
    add(words, "listen", listen);
    add(words, "root", root);
    add(words, "tls-cert", certificate);
    add(words, "tls-key", key);
    add(words, "htpasswd", htpasswd);
    for (const auto& repository : repositories) add(words, "repository", repository);
    if (stdio) words.emplace_back("--stdio");
    if (read_only) words.emplace_back("--read-only");
    if (insecure) words.emplace_back("--insecure");
    if (debug) words.emplace_back("--debug");
    become(words);
}

int registry_gc(Invocation& in) {
    std::string root, grace;
    bool untagged = false;
    in.flags.text("root", root, "Where the registry is kept");
    in.flags.text("grace", grace, "Keep what is younger (90s, 10m, 1h)").shows_default("1h");
    in.flags.toggle("untagged", untagged, "Remove manifests without a tag, too");
    in.parse();
    std::vector<std::string> words{"gc"};
    add(words, "root", root);
    add(words, "grace", grace);
    if (untagged) words.emplace_back("--untagged");
    become(words);
}

}  // namespace brig::cli
