// `--change`: the Dockerfile instructions that only set configuration, for import and commit.
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/strings.h"
#include "image/import.h"

namespace brig::image {
namespace {

using Words = std::vector<std::string>;

[[noreturn]] void refuse(std::string_view why) {
    throw Error(ErrorKind::invalid_argument, "{}", why);
}

/// `["a","b"]` → its strings; nothing when the text is not of that form.
std::optional<Words> exec_form(std::string_view text) {
    if (!text.starts_with('[')) return std::nullopt;
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_array()) return std::nullopt;
    Words out;
    for (const auto& item : json) {
        if (!item.is_string()) return std::nullopt;
        out.push_back(item.get<std::string>());
    }
    return out;
}

Words command(const oci::ExecutionConfig& config, std::string_view text) {
    if (auto words = exec_form(text)) return *words;
    Words out = config.shell.empty() ? Words{"/bin/sh", "-c"} : config.shell;
    out.emplace_back(text);
    return out;
}

/// Words separated by blanks, with quotes and backslashes as in a shell.
Words words_of(std::string_view text) {
    Words out;
    std::string word;
    bool in_word = false;
    char quote = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
            word += text[++i];
            in_word = true;
        } else if (quote != 0) {
            if (c == quote)
                quote = 0;
            else
                word += c;
        } else if (c == '"' || c == '\'') {
            quote = c;
            in_word = true;
        } else if (c == ' ' || c == '\t') {
            if (in_word) out.push_back(std::exchange(word, {}));
            in_word = false;
        } else {
            word += c;
            in_word = true;
        }
    }
    if (quote != 0) refuse("unterminated quote");
    if (in_word) out.push_back(word);
    return out;
}

/// "A=1 B=2", or the old form "A rest of line".
std::vector<std::pair<std::string, std::string>> pairs_of(std::string_view text) {
    const Words words = words_of(text);
    if (words.empty()) refuse("it takes at least one argument");
    std::vector<std::pair<std::string, std::string>> out;
    if (words.front().find('=') == std::string::npos) {
        const auto blank = text.find_first_of(" \t");
        if (blank == std::string_view::npos) refuse("it takes NAME=VALUE");
        out.emplace_back(text.substr(0, blank), trim(text.substr(blank)));
        return out;
    }
    for (const auto& word : words) {
        const auto [key, value] = split_once(word, '=');
        if (!value || key.empty()) refuse("it takes NAME=VALUE");
        out.emplace_back(key, *value);
    }
    return out;
}

void set_env(oci::ExecutionConfig& config, const std::string& key, const std::string& value) {
    for (auto& entry : config.env) {
        if (split_once(entry, '=').first == key) {
            entry = key + "=" + value;
            return;
        }
    }
    config.env.push_back(key + "=" + value);
}

std::string port_of(const std::string& word) {
    const auto [number, protocol] = split_once(word, '/');
    const auto value = parse_int<unsigned>(number);
    if (!value || *value == 0 || *value > 65535) refuse("invalid port " + word);
    return number + "/" + to_lower(protocol.value_or("tcp"));
}

using Handler = void (*)(oci::ExecutionConfig&, std::string_view);

struct Instruction {
    std::string_view name;
    Handler apply;
};

constexpr Instruction instructions[] = {
    {"CMD", [](auto& config, auto text) { config.cmd = command(config, text); }},
    {"ENTRYPOINT", [](auto& config, auto text) { config.entrypoint = command(config, text); }},
    {"ENV",
     [](auto& config, auto text) {
         for (const auto& [key, value] : pairs_of(text)) set_env(config, key, value);
     }},
    {"LABEL",
     [](auto& config, auto text) {
         for (const auto& [key, value] : pairs_of(text)) config.labels[key] = value;
     }},
    {"EXPOSE",
     [](auto& config, auto text) {
         for (const auto& word : words_of(text)) config.exposed_ports.insert(port_of(word));
     }},
    {"USER", [](auto& config, auto text) { config.user = text; }},
    {"WORKDIR",
     [](auto& config, auto text) {
         const std::string path(text);
         config.working_dir = path.starts_with('/') ? path : config.working_dir + "/" + path;
     }},
    {"VOLUME",
     [](auto& config, auto text) {
         for (const auto& word : exec_form(text).value_or(words_of(text)))
             config.volumes.insert(word);
     }},
    {"STOPSIGNAL", [](auto& config, auto text) { config.stop_signal = text; }},
    {"ONBUILD", [](auto& config, auto text) { config.on_build.emplace_back(text); }},
};

void apply(oci::ExecutionConfig& config, const std::string& name, std::string_view text) {
    for (const auto& instruction : instructions) {
        if (instruction.name == name) return instruction.apply(config, text);
    }
    refuse(name + " is not a valid change command");
}

}  // namespace

void apply_changes(oci::ExecutionConfig& config, const std::vector<std::string>& changes) {
    for (const auto& change : changes) {
        const std::string_view line = trim(change);
        const auto blank = line.find_first_of(" \t");
        std::string instruction(line.substr(0, blank));
        for (char& c : instruction) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
        const auto arguments =
            blank == std::string_view::npos ? std::string_view{} : trim(line.substr(blank));
        try {
            if (arguments.empty()) refuse("it takes an argument");
            apply(config, instruction, arguments);
        } catch (const Error& e) {
            throw e.within(fmt::format("change {:?}", line));
        }
    }
}

}  // namespace brig::image
