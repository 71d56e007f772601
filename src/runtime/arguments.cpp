// See arguments.h.
#include "runtime/arguments.h"

#include <algorithm>

#include "base/error.h"
#include "base/strings.h"

namespace brig::runtime {
namespace {

const OptionSpec& find(const std::vector<OptionSpec>& known, std::string_view word) {
    const bool is_long = word.starts_with("--");
    const std::string_view name = word.substr(is_long ? 2 : 1);
    const auto found = std::ranges::find_if(known, [&](const OptionSpec& option) {
        return option.name == name || (!option.alias.empty() && option.alias == name);
    });
    if (found == known.end()) throw Error(ErrorKind::invalid_argument, "unknown option {}", word);
    return *found;
}

}  // namespace

Arguments::Arguments(std::vector<std::string> words, const std::vector<OptionSpec>& known,
                     bool anywhere) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        const bool option = word.size() > 1 && word.front() == '-';
        if (word == "--" || (!option && !anywhere)) {
            rest_.insert(rest_.end(),
                         words.begin() + static_cast<std::ptrdiff_t>(i + (word == "--" ? 1 : 0)),
                         words.end());
            return;
        }
        if (!option) {
            rest_.push_back(word);
            continue;
        }
        auto [name, value] = split_once(word, '=');
        const OptionSpec& spec = find(known, name);
        if (spec.takes_value && !value) {
            if (++i == words.size())
                throw Error(ErrorKind::invalid_argument, "option {} needs a value", name);
            value = words[i];
        }
        if (!spec.takes_value && value && parse_bool(*value) == false) continue;
        values_[std::string(spec.name)].push_back(value.value_or(""));
    }
}

std::optional<std::string> Arguments::value(std::string_view name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) return std::nullopt;
    return found->second.back();
}

const std::vector<std::string>& Arguments::all(std::string_view name) const {
    static const std::vector<std::string> none;
    const auto found = values_.find(name);
    return found == values_.end() ? none : found->second;
}

const std::string& Arguments::positional(std::size_t index, std::string_view what) const {
    if (index >= rest_.size()) throw Error(ErrorKind::invalid_argument, "want {}", what);
    return rest_[index];
}

}  // namespace brig::runtime
