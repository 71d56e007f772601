// See credential_helper.h.
#include "cli/credential_helper.h"

#include "base/error.h"
#include "base/strings.h"
#include "os/run_program.h"

namespace brig::cli {
namespace {

constexpr std::size_t max_answer = 1U << 20U;
/// How helpers say that they have an identity token.
constexpr std::string_view token_user = "<token>";

os::ProgramResult run(const std::string& helper, const char* verb, const std::string& input) {
    const std::string program = "docker-credential-" + helper;
    if (helper.empty() || helper.find('/') != std::string::npos) {
        throw Error(ErrorKind::invalid_argument, "{:?} is no name of a credential helper", helper);
    }
    try {
        return os::run_program(
            {.words = {program, verb}, .input = input, .max_output = max_answer});
    } catch (const SysError& e) {
        throw e.within("docker's config.json names a credential helper");
    }
}

[[noreturn]] void fail(const std::string& helper, const os::ProgramResult& result) {
    throw Error(ErrorKind::failed_precondition, "docker-credential-{}: {}", helper,
                result.output.empty() ? "failed" : trim(result.output));
}

}  // namespace

std::optional<RegistryLogin> helper_get(const std::string& helper, const std::string& key) {
    const os::ProgramResult result = run(helper, "get", key);
    if (!result.succeeded) {
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
    const os::ProgramResult result = run(helper, "store", document.dump());
    if (!result.succeeded) fail(helper, result);
}

void helper_erase(const std::string& helper, const std::string& key) {
    const os::ProgramResult result = run(helper, "erase", key);
    if (!result.succeeded && result.output.find("not found") == std::string::npos)
        fail(helper, result);
}

}  // namespace brig::cli
