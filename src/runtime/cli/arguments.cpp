// See arguments.h.
#include "runtime/cli/arguments.h"

#include <algorithm>

#include "base/error.h"
#include "base/strings.h"

namespace brig::runtime {
namespace {

constexpr Option help{"help", "h", "", "show help"};

const Option& find(std::span<const Option> known, std::string_view word) {
    const std::string_view name = word.substr(word.starts_with("--") ? 2 : 1);
    const auto matches = [&](const Option& option) {
        return option.name == name || (!option.letter.empty() && option.letter == name);
    };
    const auto found = std::ranges::find_if(known, matches);
    if (found != known.end()) return *found;
    if (matches(help)) return help;
    throw Error(ErrorKind::invalid_argument, "unknown option {}", word);
}

}  // namespace

Arguments::Arguments(std::span<const std::string> words, std::span<const Option> known,
                     Placement placement) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        const bool option = word.size() > 1 && word.front() == '-';
        if (word == "--" || placement == Placement::unparsed ||
            (!option && placement == Placement::before_words)) {
            const auto rest = words.subspan(i + (word == "--" ? 1 : 0));
            words_.insert(words_.end(), rest.begin(), rest.end());
            return;
        }
        if (!option) {
            words_.push_back(word);
            continue;
        }
        auto [name, value] = split_once(word, '=');
        const Option& spec = find(known, name);
        if (!spec.value.empty() && !value) {
            if (++i == words.size())
                throw Error(ErrorKind::invalid_argument, "option {} needs a value", name);
            value = words[i];
        }
        if (spec.value.empty() && value && parse_bool(*value) == false) continue;
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

}  // namespace brig::runtime
