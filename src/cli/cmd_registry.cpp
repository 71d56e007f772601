// pull, push, login, logout: images from and to registries.
#include <unistd.h>

#include "base/strings.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/pull_image.h"
#include "cli/registry_login.h"
#include "oci/ssh_name.h"
#include "os/terminal.h"

namespace brig::cli {
namespace {

constexpr std::size_t max_secret = 1U << 20U;
constexpr char interrupt = 3;
constexpr char backspace = 8;
constexpr char erase = 127;

/// A line from standard input, without its end.
std::string read_line() {
    std::string out;
    char byte = 0;
    while (out.size() < max_secret &&
           read_some(STDIN_FILENO, std::as_writable_bytes(std::span(&byte, 1))) == 1) {
        if (byte == '\n' || byte == '\r') break;
        if (byte == interrupt) throw Failure(130, "");
        if (byte == erase || byte == backspace) {
            if (!out.empty()) out.pop_back();
        } else {
            out += byte;
        }
    }
    return out;
}

/// Without echo.
std::string ask_secret() {
    print("Password: ");
    flush_output();
    std::string out;
    {
        const os::RawTerminal raw(STDIN_FILENO);
        out = read_line();
    }
    print_line("");
    return out;
}

std::string tag_or_digest(const oci::Reference& name) {
    return name.digest ? name.digest->str() : name.tag;
}

/// A name as the user wrote it, and how the engine is told of it.
struct Wanted {
    oci::Reference name;    ///< here
    std::string asked_for;  ///< without tag
};

Wanted parse_wanted(const std::string& text) {
    if (const auto ssh = oci::parse_ssh_name(text))
        return {ssh->local, ssh->address + "//" + ssh->path};
    const auto name = oci::Reference::parse(text);
    return {name, name.familiar_name()};
}

client::Request post(const std::string& target, const std::string& image) {
    client::Request request{.method = "POST", .target = target};
    // SSH has keys of its own.
    if (oci::is_ssh_address(image)) return request;
    if (const auto auth = registry_auth(image); !auth.empty())
        request.headers.push_back({"X-Registry-Auth", auth});
    return request;
}

/// What is given as SERVER, as a registry's name.
std::string server_name(std::string given) {
    for (const std::string_view scheme : {"https://", "http://"}) {
        if (given.starts_with(scheme)) given.erase(0, scheme.size());
    }
    given = given.substr(0, given.find('/'));
    return given.empty() || given == "index.docker.io" ? "docker.io" : given;
}

struct LoginFlags {
    std::string username, password;
    bool from_stdin = false;
};

RegistryLogin gather(const LoginFlags& flags) {
    RegistryLogin out{.username = flags.username, .secret = flags.password};
    if (flags.from_stdin) {
        out.secret = read_to_end(STDIN_FILENO, max_secret);
        while (out.secret.ends_with('\n') || out.secret.ends_with('\r')) out.secret.pop_back();
        return out;
    }
    const bool complete = !out.username.empty() && !out.secret.empty();
    if (!complete && !os::is_terminal(STDIN_FILENO))
        throw Failure(1, "Error: Cannot perform an interactive login from a non TTY device");
    if (out.username.empty()) {
        print("Username: ");
        flush_output();
        out.username = read_line();
    }
    if (out.secret.empty()) out.secret = ask_secret();
    if (out.username.empty() || out.secret.empty())
        throw Failure(1, "Error: username and password are needed");
    return out;
}

void check(const LoginFlags& flags) {
    if (!flags.password.empty()) {
        print_error("WARNING! Using --password via the CLI is insecure. Use --password-stdin.");
        if (flags.from_stdin)
            throw Failure(1, "--password and --password-stdin are mutually exclusive");
    }
    if (flags.from_stdin && flags.username.empty())
        throw Failure(1, "Must provide --username with --password-stdin");
}

/// Asks the engine to try them; an identity token takes the password's place.
void try_login(client::Client& engine, const std::string& server, RegistryLogin& login) {
    const Json body{{"username", login.username},
                    {"password", login.secret},
                    {"identitytoken", login.identity_token},
                    {"serveraddress", login_key(server)}};
    const Json answer = parse_json(engine.call("POST", "/auth", body.dump()).body);
    if (const auto token = text_of(answer, "IdentityToken"); !token.empty()) {
        login.identity_token = token;
        login.secret.clear();
    }
}

}  // namespace

void pull_image(client::Client& engine, const std::string& image, const PullOptions& options) {
    const auto wanted = parse_wanted(image);
    client::Query query;
    query.add("fromImage", wanted.asked_for);
    if (!options.all_tags) query.add("tag", tag_or_digest(wanted.name.with_default_tag()));
    if (!options.platform.empty()) query.add("platform", options.platform);
    client::Exchange exchange = engine.begin(post("/images/create" + query.str(), image));
    show_progress(exchange, {.to_stderr = options.to_stderr, .quiet = options.quiet});
}

int pull(Invocation& in) {
    PullOptions options;
    in.flags.toggle("all-tags,a", options.all_tags, "Pull every tag of the repository");
    in.flags.toggle("quiet,q", options.quiet, "Print nothing but the image's name");
    in.flags.text("platform", options.platform, "Platform of the image");
    const auto words = in.parse();
    auto name = parse_wanted(words[0]).name;
    const bool is_bare = name.tag.empty() && !name.digest;
    if (options.all_tags && !is_bare) throw Failure(1, "tag can't be used with --all-tags/-a");
    if (!options.all_tags && is_bare) {
        name = name.with_default_tag();
        if (!options.quiet) print_line("Using default tag: " + name.tag);
    }
    pull_image(in.engine(), words[0], options);
    print_line(name.str());
    return 0;
}

int push(Invocation& in) {
    bool all = false, quiet = false;
    in.flags.toggle("all-tags,a", all, "Push every tag of the repository");
    in.flags.toggle("quiet,q", quiet, "Print nothing but the image's name");
    const auto words = in.parse();
    const auto wanted = parse_wanted(words[0]);
    auto name = wanted.name;
    if (name.digest) throw Failure(1, "cannot push a digest reference");
    if (all && !name.tag.empty()) throw Failure(1, "tag can't be used with --all-tags/-a");
    if (!all && name.tag.empty()) {
        name = name.with_default_tag();
        if (!quiet) print_line("Using default tag: " + name.tag);
    }
    client::Query query;
    if (!all) query.add("tag", name.tag);
    client::Exchange exchange = in.engine().begin(
        post("/images/" + client::encode(wanted.asked_for) + "/push" + query.str(), words[0]));
    show_progress(exchange, {.quiet = quiet});
    if (quiet) print_line(name.str());
    return 0;
}

int login(Invocation& in) {
    LoginFlags flags;
    in.flags.text("username,u", flags.username, "User name");
    in.flags.text("password,p", flags.password, "Password (others may see it in the process list)");
    in.flags.toggle("password-stdin", flags.from_stdin, "Read the password from standard input");
    const auto words = in.parse();
    check(flags);
    const std::string server = server_name(words.empty() ? "" : words[0]);
    LoginStore store;
    const auto known =
        flags.username.empty() && flags.password.empty() ? store.find(server) : std::nullopt;
    RegistryLogin login;
    if (known) {
        print_line("Authenticating with existing credentials...");
        login = *known;
    } else {
        login = gather(flags);
    }
    try_login(in.engine(), server, login);
    store.save(server, login);
    if (const auto file = store.plain_file(server); !file.empty() && !known) {
        print_error(fmt::format(
            "WARNING! Your password will be stored unencrypted in {}.\nConfigure a credential "
            "helper (credsStore) to remove this warning.",
            file));
    }
    print_line("Login Succeeded");
    return 0;
}

int logout(Invocation& in) {
    const auto words = in.parse();
    const std::string server = server_name(words.empty() ? "" : words[0]);
    if (LoginStore().erase(server)) {
        print_line("Removing login credentials for " + login_key(server));
    } else {
        print_line("Not logged in to " + login_key(server));
    }
    return 0;
}

}  // namespace brig::cli
