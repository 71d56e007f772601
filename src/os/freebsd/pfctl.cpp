#include "os/freebsd/pfctl.h"

#include "base/error.h"
#include "base/strings.h"
#include "os/run_program.h"

namespace brig::os::freebsd_net {
namespace {

constexpr const char* program = "/sbin/pfctl";

ProgramResult run(const ProgramCall& call) {
    try {
        return run_program(call);
    } catch (const SysError& e) {
        if (e.kind() != ErrorKind::not_found) throw;
        throw Error(ErrorKind::not_implemented, "{} is not there, which published ports need",
                    program);
    }
}

}  // namespace

std::string run_pfctl(const std::vector<std::string>& arguments, const std::string& input) {
    ProgramCall call{.words = {program},
                     .environment = std::vector<std::string>{},
                     .input = input,
                     .keep_messages = true};
    call.words.insert(call.words.end(), arguments.begin(), arguments.end());
    auto result = run(call);
    if (!result.succeeded) {
        throw Error(ErrorKind::internal, "pfctl {}: {}", join(arguments, " "),
                    trim(result.messages));
    }
    return std::move(result.output);
}

}  // namespace brig::os::freebsd_net
