// Options and words of a command, in the forms runc's callers write them: "--name value",
// "--name=value", one dash or two, a letter for some. By hand since start-up time is the point.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace brig::runtime {

struct Option {
    std::string_view name;
    std::string_view letter;  ///< a short name, or empty
    std::string_view value;   ///< what the value is called; empty for a switch
    std::string_view help;
};

enum class Placement {
    anywhere,
    before_words,  ///< the first word ends the options: what follows belongs to somebody else
    unparsed,      ///< every word is taken as it is
};

class Arguments {
public:
    /// "--" ends the options; --help and -h are always known. Throws Error{invalid_argument} for
    /// unknown options and missing values.
    Arguments(std::span<const std::string> words, std::span<const Option> known,
              Placement placement = Placement::anywhere);

    [[nodiscard]] bool has(std::string_view name) const { return values_.contains(name); }
    /// The last value given.
    [[nodiscard]] std::optional<std::string> value(std::string_view name) const;
    [[nodiscard]] const std::vector<std::string>& all(std::string_view name) const;
    /// What is no option.
    [[nodiscard]] const std::vector<std::string>& words() const { return words_; }

private:
    std::map<std::string, std::vector<std::string>, std::less<>> values_;
    std::vector<std::string> words_;
};

}  // namespace brig::runtime
