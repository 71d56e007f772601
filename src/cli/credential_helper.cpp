// See credential_helper.h.
#include "cli/credential_helper.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/error.h"
#include "base/fd.h"
#include "base/strings.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): not in FreeBSD's headers

namespace brig::cli {
namespace {

constexpr std::size_t max_answer = 1U << 20U;
/// How helpers say that they have an identity token.
constexpr std::string_view token_user = "<token>";

struct Result {
    int status;
    std::string output;
};

pid_t spawn(const std::string& program, const char* verb, int input, int output) {
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    char* argv[] = {const_cast<char*>(program.c_str()), const_cast<char*>(verb), nullptr};
    pid_t pid = -1;
    const int code = ::posix_spawnp(&pid, program.c_str(), &actions, nullptr, argv, environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (code != 0) {
        throw SysError(code,
                       fmt::format("cannot run {}, which docker's config.json names", program));
    }
    return pid;
}

Result run(const std::string& helper, const char* verb, const std::string& input) {
    const std::string program = "docker-credential-" + helper;
    if (helper.empty() || helper.find('/') != std::string::npos) {
        throw Error(ErrorKind::invalid_argument, "{:?} is no name of a credential helper", helper);
    }
    FdPair to_child = make_pipe();
    FdPair from_child = make_pipe();
    const pid_t pid = spawn(program, verb, to_child.first.get(), from_child.second.get());
    to_child.first.reset();
    from_child.second.reset();
    try {
        write_all(to_child.second.get(), input);
    } catch (const SysError&) {
        // It did not want to know: its exit status tells why.
    }
    to_child.second.reset();
    Result out{-1, read_to_end(from_child.first.get(), max_answer)};
    while (::waitpid(pid, &out.status, 0) < 0 && errno == EINTR) {
    }
    return out;
}

[[noreturn]] void fail(const std::string& helper, const Result& result) {
    throw Error(ErrorKind::failed_precondition, "docker-credential-{}: {}", helper,
                result.output.empty() ? "failed" : trim(result.output));
}

}  // namespace

std::optional<RegistryLogin> helper_get(const std::string& helper, const std::string& key) {
    const Result result = run(helper, "get", key);
    if (result.status != 0) {
        if (result.output.find("not found") != std::string::npos) return std::nullopt;
        fail(helper, result);
    }
    const Json answer = parse_json(result.output);
    const std::string user = text_of(answer, "Username");
    const std::string secret = text_of(answer, "Secret");
    if (user == token_user) return RegistryLogin{.identity_token = secret};
    return RegistryLogin{.username = user, .secret = secret};
}

void helper_store(const std::string& helper, const std::string& key, const RegistryLogin& login) {
    const bool by_token = !login.identity_token.empty();
    const Json document{{"ServerURL", key},
                        {"Username", by_token ? std::string(token_user) : login.username},
                        {"Secret", by_token ? login.identity_token : login.secret}};
    const Result result = run(helper, "store", document.dump());
    if (result.status != 0) fail(helper, result);
}

void helper_erase(const std::string& helper, const std::string& key) {
    const Result result = run(helper, "erase", key);
    if (result.status != 0 && result.output.find("not found") == std::string::npos)
        fail(helper, result);
}

}  // namespace brig::cli
