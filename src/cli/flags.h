// Command-line flags with the behaviour and the wording of docker's parser (spf13/pflag): combined
// short flags, --flag=value, --bool=false, positionals that end the flags where a command runs
// another. Users' fingers and scripts depend on these details, so they are ours to define exactly.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace brig::cli {

/// A value that a flag does not accept: becomes `invalid argument "x" for "--flag" flag: …`.
class BadValue : public Error {
public:
    explicit BadValue(std::string why) : Error(ErrorKind::invalid_argument, std::move(why)) {}
};

struct Flag {
    std::string long_name;
    char short_name = 0;
    std::string type;  ///< "list", "string", "int", … as help shows it; empty: a switch
    std::string help;
    std::string shown_default;
    std::function<void(const std::string&)> set;
    bool hidden = false;
};

class Flags {
public:
    using Setter = std::function<void(const std::string&)>;

    /// `names`: "tty,t" or "rm". A switch; also accepts =true and =false.
    Flags& toggle(std::string_view names, bool& target, std::string_view help);
    Flags& text(std::string_view names, std::string& target, std::string_view help);
    Flags& list(std::string_view names, std::vector<std::string>& target, std::string_view help);
    Flags& number(std::string_view names, std::optional<std::int64_t>& target,
                  std::string_view help);
    /// docker's sizes ("512m"), in bytes.
    Flags& bytes(std::string_view names, std::optional<std::int64_t>& target,
                 std::string_view help);
    /// Any other: `set` throws BadValue.
    Flags& value(std::string_view names, std::string_view type, Setter set, std::string_view help);
    /// The last declared flag is accepted but not shown.
    Flags& hide();
    Flags& shows_default(std::string_view text);

    /// Sets the targets and returns the positionals. With `stop_at_positional`, everything from
    /// the first positional on is returned as it is. `--help` (and `-h` where no flag has it)
    /// sets help_requested(). Throws Error{invalid_argument} in pflag's words.
    std::vector<std::string> parse(const std::vector<std::string>& arguments,
                                   bool stop_at_positional);

    [[nodiscard]] bool help_requested() const { return help_; }
    /// Whether the user gave this flag.
    [[nodiscard]] bool given(std::string_view long_name) const;
    [[nodiscard]] const std::vector<Flag>& declared() const { return flags_; }

private:
    Flags& add(std::string_view names, std::string_view type, std::string_view help, Setter set);
    const Flag* find(std::string_view long_name) const;
    const Flag* find(char short_name) const;
    void apply(const Flag& flag, const std::string& value);
    /// Returns whether the next argument was taken as the value.
    bool parse_long(std::string_view argument, const std::string* next);
    bool parse_short(std::string_view cluster, const std::string* next);

    std::vector<Flag> flags_;
    std::vector<std::string> given_;
    bool help_ = false;
};

/// Integers in the words of Go's strconv: throws BadValue.
std::int64_t parse_go_int(const std::string& text);
bool parse_go_bool(const std::string& text);
std::int64_t parse_size(const std::string& text);

}  // namespace brig::cli
