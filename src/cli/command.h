// What a command is to the command line: an entry of one table, and an invocation that parses its
// own flags. Only the chosen command's flags are ever built; start-up time is part of every run.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/flags.h"
#include "cli/session.h"

namespace brig::cli {

class Invocation;

struct Command {
    /// The ways to call it, "|" between them: "ps|container ls|container ps".
    std::string_view names;
    std::string_view usage;    ///< after the name: "[OPTIONS] IMAGE [COMMAND] [ARG...]"
    std::string_view summary;  ///< one line of help
    int min_arguments;
    int max_arguments;  ///< -1: any number
    int (*run)(Invocation&);
    bool ends_flags = false;      ///< the first positional ends the flags
    bool fails_with_125 = false;  ///< as run and create: errors are 125 and point at --help
};

/// Every command, in the order in which help lists them.
std::span<const Command> commands();
/// The management commands ("container", "image", …) and their summaries.
struct Group {
    std::string_view name;
    std::string_view summary;
};
std::span<const Group> groups();

const Command* find_command(std::string_view name);
const Group* find_group(std::string_view name);

/// Wrong use of the command line: the message, the usage line and a pointer to --help follow.
class UsageError : public Error {
public:
    UsageError(int exit_code, std::string message)
        : Error(ErrorKind::invalid_argument, std::move(message)), exit_code_(exit_code) {}
    [[nodiscard]] int exit_code() const { return exit_code_; }

private:
    int exit_code_;
};

/// A failure with an exit code of its own; an empty message prints nothing.
class Failure : public Error {
public:
    Failure(int exit_code, std::string message)
        : Error(ErrorKind::internal, std::move(message)), exit_code_(exit_code) {}
    [[nodiscard]] int exit_code() const { return exit_code_; }

private:
    int exit_code_;
};

/// Thrown once --help has been answered.
struct HelpShown {};

class Invocation {
public:
    Invocation(const Command& command, std::string called_as, std::vector<std::string> arguments,
               Session& shared)
        : session(shared),
          command_(command),
          called_as_(std::move(called_as)),
          arguments_(std::move(arguments)) {}

    Flags flags;
    Session& session;

    /// Parses into what `flags` declares; returns the positionals, their number checked. Throws
    /// UsageError, HelpShown.
    std::vector<std::string> parse();
    /// "brig run"
    [[nodiscard]] std::string title() const { return "brig " + called_as_; }
    [[nodiscard]] const Command& command() const { return command_; }
    [[nodiscard]] client::Client& engine() const { return session.engine(); }

private:
    void check_count(std::size_t count) const;

    const Command& command_;
    std::string called_as_;
    std::vector<std::string> arguments_;
};

/// Runs `each` for every name; failures are printed and the rest goes on. Returns the exit code.
int for_each_name(const std::vector<std::string>& names,
                  const std::function<void(const std::string&)>& each);

}  // namespace brig::cli
