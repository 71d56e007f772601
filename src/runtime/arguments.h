// The command line of brig-runtime, runc's: options before and after the command, by hand since
// start-up time is the point.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace brig::runtime {

/// Options known to a command: name → whether it takes a value. Aliases map to the same long name.
struct OptionSpec {
    std::string_view name;
    bool takes_value;
    std::string_view alias = {};  ///< a single letter
};

class Arguments {
public:
    /// Parses `words` up to the first that is no option ("--" ends options too). Throws
    /// Error{invalid_argument} for unknown options and missing values. With `anywhere`, options
    /// are found after plain words too.
    Arguments(std::vector<std::string> words, const std::vector<OptionSpec>& known,
              bool anywhere = false);

    [[nodiscard]] bool has(std::string_view name) const { return values_.contains(name); }
    /// The last value given.
    [[nodiscard]] std::optional<std::string> value(std::string_view name) const;
    [[nodiscard]] const std::vector<std::string>& all(std::string_view name) const;
    /// The words after the options.
    [[nodiscard]] const std::vector<std::string>& rest() const { return rest_; }
    /// rest()[index], or an error saying what is missing.
    [[nodiscard]] const std::string& positional(std::size_t index, std::string_view what) const;

private:
    std::map<std::string, std::vector<std::string>, std::less<>> values_;
    std::vector<std::string> rest_;
};

}  // namespace brig::runtime
