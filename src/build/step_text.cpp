#include "build/step_text.h"

#include <cctype>
#include <set>

#include "base/error.h"
#include "base/strings.h"

namespace brig::build {

std::vector<std::string> command_words(const Instruction& instruction,
                                       std::vector<std::string> shell) {
    if (instruction.exec_form || instruction.args.empty()) return instruction.args;
    shell.push_back(instruction.args.front());
    return shell;
}

std::string json_list(const std::vector<std::string>& words) {
    std::string text = "[";
    for (const auto& word : words) {
        if (text.size() > 1) text += ' ';
        text += '"';
        for (const char c : word) {
            if (c == '"' || c == '\\') text += '\\';
            text += c;
        }
        text += '"';
    }
    return text + "]";
}

std::set<std::string> parse_exposed(std::string_view text) {
    const auto invalid = [&] {
        return Error(ErrorKind::invalid_argument, "invalid containerPort: {}", text);
    };
    const auto [range, given] = split_once(text, '/');
    const auto protocol = given ? to_lower(*given) : "tcp";
    if (protocol != "tcp" && protocol != "udp" && protocol != "sctp") {
        throw Error(ErrorKind::invalid_argument, "invalid proto: {}", protocol);
    }
    const auto [low, high] = split_once(range, '-');
    const auto first = parse_int<unsigned>(low);
    const auto last = high ? parse_int<unsigned>(*high) : first;
    if (!first || !last || *first == 0 || *last > 65535 || *last < *first) throw invalid();
    std::set<std::string> ports;
    for (unsigned port = *first; port <= *last; ++port)
        ports.insert(std::to_string(port) + "/" + protocol);
    return ports;
}

bool is_signal(std::string_view text) {
    static const std::set<std::string_view> names{
        "HUP",  "INT",  "QUIT", "ILL",  "TRAP", "ABRT", "IOT",    "BUS",  "FPE",    "KILL",
        "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "CHLD",   "CONT", "STKFLT", "STOP",
        "TSTP", "TTIN", "TTOU", "URG",  "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH",  "IO",
        "POLL", "PWR",  "SYS",  "INFO", "EMT",  "CLD",  "RTMIN",  "RTMAX"};
    if (const auto number = parse_int<int>(text)) return *number > 0 && *number <= 128;
    std::string name{text};
    for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    if (name.starts_with("SIG")) name.erase(0, 3);
    if (name.starts_with("RTMIN+") || name.starts_with("RTMAX-")) {
        const auto offset = parse_int<int>(std::string_view(name).substr(6));
        return offset && *offset >= 0 && *offset <= 30;
    }
    return names.contains(name);
}

}  // namespace brig::build
