// Names from the C library's own table, numbers up to the last real-time signal.
#include "engine/signals.h"

#include <array>
#include <csignal>

#include "base/error.h"
#include "base/strings.h"

namespace brig::engine {
namespace {

constexpr std::array<std::pair<std::string_view, int>, 31> names{{
    {"HUP", SIGHUP},       {"INT", SIGINT},   {"QUIT", SIGQUIT}, {"ILL", SIGILL},
    {"TRAP", SIGTRAP},     {"ABRT", SIGABRT}, {"BUS", SIGBUS},   {"FPE", SIGFPE},
    {"KILL", SIGKILL},     {"USR1", SIGUSR1}, {"SEGV", SIGSEGV}, {"USR2", SIGUSR2},
    {"PIPE", SIGPIPE},     {"ALRM", SIGALRM}, {"TERM", SIGTERM}, {"CHLD", SIGCHLD},
    {"CONT", SIGCONT},     {"STOP", SIGSTOP}, {"TSTP", SIGTSTP}, {"TTIN", SIGTTIN},
    {"TTOU", SIGTTOU},     {"URG", SIGURG},   {"XCPU", SIGXCPU}, {"XFSZ", SIGXFSZ},
    {"VTALRM", SIGVTALRM}, {"PROF", SIGPROF}, {"IO", SIGIO},     {"POLL", SIGIO},
    {"WINCH", SIGWINCH},   {"SYS", SIGSYS},   {"IOT", SIGABRT},
}};

std::optional<int> real_time(std::string_view name) {
    int base = 0;
    int sign = 1;
    if (name.starts_with("RTMIN")) {
        base = SIGRTMIN;
    } else if (name.starts_with("RTMAX")) {
        base = SIGRTMAX;
        sign = -1;
    } else {
        return std::nullopt;
    }
    name.remove_prefix(5);
    if (name.empty()) return base;
    if (name.front() != (sign > 0 ? '+' : '-')) return std::nullopt;
    const auto offset = parse_int<int>(name.substr(1));
    if (!offset || *offset < 0 || *offset > SIGRTMAX - SIGRTMIN) return std::nullopt;
    return base + sign * *offset;
}

}  // namespace

int parse_signal(std::string_view text) {
    if (const auto number = parse_int<int>(text); number && *number > 0 && *number <= SIGRTMAX)
        return *number;
    std::string name;
    for (const char c : text) name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    if (name.starts_with("SIG")) name.erase(0, 3);
    for (const auto& [known, number] : names) {
        if (name == known) return number;
    }
    if (const auto number = real_time(name)) return *number;
    throw Error(ErrorKind::invalid_argument, "Invalid signal: {}", text);
}

}  // namespace brig::engine
