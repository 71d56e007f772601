// See signal_number.h.
#include "runtime/cli/signal_number.h"

#include <array>
#include <csignal>
#include <string_view>

#include "base/error.h"
#include "base/strings.h"

namespace brig::runtime {
namespace {

struct Name {
    std::string_view name;
    int number;
};
constexpr std::array names{
    Name{"hup", SIGHUP},       Name{"int", SIGINT},   Name{"quit", SIGQUIT},
    Name{"ill", SIGILL},       Name{"trap", SIGTRAP}, Name{"abrt", SIGABRT},
    Name{"bus", SIGBUS},       Name{"fpe", SIGFPE},   Name{"kill", SIGKILL},
    Name{"usr1", SIGUSR1},     Name{"segv", SIGSEGV}, Name{"usr2", SIGUSR2},
    Name{"pipe", SIGPIPE},     Name{"alrm", SIGALRM}, Name{"term", SIGTERM},
    Name{"chld", SIGCHLD},     Name{"cont", SIGCONT}, Name{"stop", SIGSTOP},
    Name{"tstp", SIGTSTP},     Name{"ttin", SIGTTIN}, Name{"ttou", SIGTTOU},
    Name{"urg", SIGURG},       Name{"xcpu", SIGXCPU}, Name{"xfsz", SIGXFSZ},
    Name{"vtalrm", SIGVTALRM}, Name{"prof", SIGPROF}, Name{"winch", SIGWINCH},
    Name{"io", SIGIO},         Name{"sys", SIGSYS}};

}  // namespace

int signal_number(const std::string& text) {
    if (const auto number = parse_int<int>(text); number && *number >= 0 && *number < NSIG)
        return *number;
    std::string bare = to_lower(text);
    if (bare.starts_with("sig")) bare.erase(0, 3);
    for (const Name& name : names) {
        if (name.name == bare) return name.number;
    }
    // Real-time signals have numbers that are known only when the program runs.
    if (bare == "rtmin") return SIGRTMIN;
    if (bare == "rtmax") return SIGRTMAX;
    if (bare.starts_with("rtmin+")) {
        const auto offset = parse_int<int>(std::string_view(bare).substr(6));
        if (offset && *offset >= 0 && SIGRTMIN + *offset <= SIGRTMAX) return SIGRTMIN + *offset;
    }
    throw Error(ErrorKind::invalid_argument, "unknown signal {:?}", text);
}

}  // namespace brig::runtime
