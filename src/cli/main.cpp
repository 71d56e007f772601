// Global options, the choice of the command, and the one place where failures become text and
// exit codes.
#include "cli/main.h"

#include <csignal>

#include "base/version.h"
#include "cli/command.h"
#include "cli/help.h"
#include "cli/output.h"
#include "os/places.h"

namespace brig::cli {
namespace {

constexpr int broken_pipe_exit = 141;  // as a shell reports death by SIGPIPE

struct Globals {
    SessionOptions session;
    bool version = false;
    std::string run, root, context, config, log_level;

    void declare(Flags& flags) {
        flags.value(
            "host,H", "list", [this](const std::string& v) { session.host = v; },
            "Engine to talk to: unix:///path");
        flags.text("run", run, "The engine's directory for sockets")
            .shows_default(os::default_places().run.string());
        flags.text("root", root, "The store of an engine that is started on demand")
            .shows_default(os::default_places().root.string());
        flags.toggle("debug,D", session.debug, "Say more on errors");
        flags.toggle("version,v", version, "Print the version and quit");
        // docker's users' scripts give these; there is nothing for them to change here.
        flags.text("context,c", context, "").hide();
        flags.text("config", config, "").hide();
        flags.text("log-level,l", log_level, "").hide();
    }
};

struct Chosen {
    const Command* command = nullptr;
    std::string called_as;
    std::vector<std::string> arguments;
};

Chosen choose(const std::vector<std::string>& words) {
    const auto rest = [&](std::size_t n) {
        return std::vector<std::string>(words.begin() + static_cast<std::ptrdiff_t>(n),
                                        words.end());
    };
    if (words.size() > 1) {
        const std::string two = words[0] + " " + words[1];
        if (const Command* command = find_command(two)) return {command, two, rest(2)};
    }
    return {find_command(words[0]), words[0], rest(1)};
}

[[noreturn]] void refuse_unknown(const std::vector<std::string>& words) {
    if (const Group* group = find_group(words[0])) {
        throw Failure(
            1, fmt::format("brig: unknown command: brig {0} {1}\n\nUsage:  brig {0} COMMAND\n\n"
                           "Run 'brig {0} --help' for more information",
                           group->name, words[1]));
    }
    throw Failure(
        1, fmt::format("brig: unknown command: brig {}\n\nRun 'brig --help' for more information",
                       words[0]));
}

/// `brig container`, `brig volume --help`: nothing to run, only something to say.
bool answers_with_help(const std::vector<std::string>& words, const Flags& globals) {
    if (words.empty()) {
        print(program_help(globals));
        return true;
    }
    const Group* group = find_group(words[0]);
    const bool asks = words.size() == 1 || words[1] == "--help" || words[1] == "-h";
    if (group == nullptr || !asks) return false;
    print(group_help(*group));
    return true;
}

/// `brig help run` is `brig run --help`.
std::vector<std::string> rewrite_help(std::vector<std::string> words) {
    if (words.empty() || words[0] != "help") return words;
    words.erase(words.begin());
    if (!words.empty()) words.emplace_back("--help");
    return words;
}

std::string hint(const Chosen& chosen, bool see) {
    return fmt::format("{} 'brig {} --help' for more information", see ? "See" : "Run",
                       chosen.called_as);
}

int run_command(const Chosen& chosen, Session& session) {
    Invocation invocation(*chosen.command, chosen.called_as, chosen.arguments, session);
    try {
        return chosen.command->run(invocation);
    } catch (const UsageError& error) {
        const bool see = error.message().find("requires at least") != std::string::npos;
        print_error(fmt::format("{}\n\n{}\n\n{}", error.message(),
                                usage_line(*chosen.command, chosen.called_as), hint(chosen, see)));
        return error.exit_code();
    } catch (const Failure& failure) {
        if (!failure.message().empty()) print_error(failure.message());
        return failure.exit_code();
    } catch (const Error& error) {
        if (!chosen.command->fails_with_125) throw;
        print_error(fmt::format("brig: {}\n\n{}", error.message(), hint(chosen, false)));
        return 125;
    }
}

int dispatch(const std::vector<std::string>& arguments) {
    Globals globals;
    Flags flags;
    globals.declare(flags);
    std::vector<std::string> words;
    try {
        words = flags.parse(arguments, true);
    } catch (const Error& error) {
        throw Failure(125, error.message() +
                               "\n\nUsage:  brig [OPTIONS] COMMAND [ARG...]\n\n"
                               "Run 'brig --help' for more information");
    }
    if (globals.version) {
        print_line(fmt::format("Brig version {}, build {}", version, git_commit));
        return 0;
    }
    globals.session.run = globals.run;
    globals.session.root = globals.root;
    words = rewrite_help(flags.help_requested() ? std::vector<std::string>{} : std::move(words));
    if (answers_with_help(words, flags)) return 0;
    const Chosen chosen = choose(words);
    if (chosen.command == nullptr) refuse_unknown(words);
    Session session(globals.session);
    return run_command(chosen, session);
}

int guarded(const std::vector<std::string>& arguments) {
    try {
        const int code = dispatch(arguments);
        flush_output();
        return code;
    } catch (const HelpShown&) {
        flush_output();
        return 0;
    } catch (const Failure& failure) {
        print_error(failure.message());
        return failure.exit_code();
    } catch (const Error& error) {
        print_error(error.message());
        return 1;
    }
}

}  // namespace

int main(const std::vector<std::string>& arguments) {
    std::signal(SIGPIPE, SIG_IGN);
    try {
        return guarded(arguments);
    } catch (const OutputClosed&) {
        return broken_pipe_exit;
    } catch (const std::exception& error) {
        try {
            print_error(fmt::format("brig: {}", error.what()));
        } catch (const OutputClosed&) {
            return broken_pipe_exit;
        }
        return 1;
    }
}

}  // namespace brig::cli
