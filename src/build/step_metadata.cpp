// Instructions that change nothing but the image's configuration.
#include <map>

#include "base/error.h"
#include "base/strings.h"
#include "build/go_duration.h"
#include "build/stage.h"
#include "build/step_text.h"

namespace brig::build {

void StageBuilder::env(const Instruction& instruction) {
    // All values see the environment from before the instruction.
    std::vector<std::pair<std::string, std::string>> values;
    std::string comment = "ENV";
    for (const auto& [name, value] : instruction.pairs) {
        values.emplace_back(expand_word(name), expand_word(value.value_or("")));
        if (values.back().first.empty())
            throw Error(ErrorKind::invalid_argument, "ENV names can not be blank");
        comment += " " + values.back().first + "=" + values.back().second;
    }
    metadata(comment, [&](oci::ExecutionConfig&) {
        for (const auto& [name, value] : values) set_env(name, value);
    });
}

void StageBuilder::label(const Instruction& instruction) {
    std::vector<std::pair<std::string, std::string>> labels;
    std::string comment = "LABEL";
    for (const auto& [name, value] : instruction.pairs) {
        labels.emplace_back(expand_word(name), expand_word(value.value_or("")));
        if (labels.back().first.empty())
            throw Error(ErrorKind::invalid_argument, "LABEL names can not be blank");
        comment += " " + labels.back().first + "=" + labels.back().second;
    }
    metadata(comment, [&](oci::ExecutionConfig& config) {
        for (auto& [name, value] : labels) config.labels[name] = std::move(value);
    });
}

void StageBuilder::maintainer(const Instruction& instruction) {
    metadata("MAINTAINER " + instruction.args.front(),
             [&](oci::ExecutionConfig&) { config_.author = instruction.args.front(); });
}

void StageBuilder::expose(const Instruction& instruction) {
    std::set<std::string> ports;
    for (const auto& arg : instruction.args) {
        for (const auto& word : expand_to_words(
                 arg, session_.escape, [this](std::string_view name) { return variable(name); })) {
            ports.merge(parse_exposed(word));
        }
    }
    metadata("EXPOSE " + join({ports.begin(), ports.end()}, " "),
             [&](oci::ExecutionConfig& config) { config.exposed_ports.merge(ports); });
}

void StageBuilder::volume(const Instruction& instruction) {
    std::set<std::string> paths;
    for (const auto& arg : instruction.args) {
        auto path = expand_word(arg);
        if (trim(path).empty())
            throw Error(ErrorKind::invalid_argument, "VOLUME specified can not be an empty string");
        paths.insert(std::move(path));
    }
    metadata("VOLUME [" + join({paths.begin(), paths.end()}, " ") + "]",
             [&](oci::ExecutionConfig& config) { config.volumes.merge(paths); });
}

void StageBuilder::user(const Instruction& instruction) {
    const auto name = expand_word(instruction.args.front());
    if (name.empty())
        throw Error(ErrorKind::invalid_argument, "USER requires a name: {} is empty",
                    instruction.args.front());
    metadata("USER " + name, [&](oci::ExecutionConfig& config) { config.user = name; });
}

void StageBuilder::cmd(const Instruction& instruction) {
    const auto words = command_words(instruction, shell_words());
    metadata("CMD " + json_list(words), [&](oci::ExecutionConfig& config) { config.cmd = words; });
    command_set_ = true;
}

void StageBuilder::entrypoint(const Instruction& instruction) {
    const auto words = command_words(instruction, shell_words());
    metadata("ENTRYPOINT " + json_list(words), [&](oci::ExecutionConfig& config) {
        config.entrypoint = words;
        // The base's command was meant for the base's entry point.
        if (!command_set_) config.cmd.clear();
    });
}

void StageBuilder::shell(const Instruction& instruction) {
    metadata("SHELL [" + join(instruction.args, " ") + "]",
             [&](oci::ExecutionConfig& config) { config.shell = instruction.args; });
}

void StageBuilder::stop_signal(const Instruction& instruction) {
    const auto signal = expand_word(instruction.args.front());
    if (!is_signal(signal)) throw Error(ErrorKind::invalid_argument, "invalid signal: {}", signal);
    metadata("STOPSIGNAL " + signal,
             [&](oci::ExecutionConfig& config) { config.stop_signal = signal; });
}

void StageBuilder::health_check(const Instruction& instruction) {
    oci::HealthCheck check;
    check.test = instruction.args;
    const auto duration = [&](const char* name, std::chrono::nanoseconds& into) {
        const auto text = instruction.flag(name);
        if (!text) return;
        const auto value = parse_go_duration(*text);
        if (!value)
            throw Error(ErrorKind::invalid_argument, "invalid duration for --{}: \"{}\"", name,
                        *text);
        if (*value < std::chrono::milliseconds(1) && value->count() != 0) {
            throw Error(ErrorKind::invalid_argument, "Interval \"{}\" cannot be less than 1ms",
                        name);
        }
        into = *value;
    };
    duration("interval", check.interval);
    duration("timeout", check.timeout);
    duration("start-period", check.start_period);
    duration("start-interval", check.start_interval);
    if (const auto text = instruction.flag("retries")) {
        const auto retries = parse_int<int>(*text);
        if (!retries || *retries < 0)
            throw Error(ErrorKind::invalid_argument, "--retries must be at least 0, not \"{}\"",
                        *text);
        check.retries = *retries;
    }
    metadata(instruction.original,
             [&](oci::ExecutionConfig& config) { config.health_check = check; });
}

void StageBuilder::on_build(const Instruction& instruction) {
    metadata("ONBUILD " + instruction.args.front(), [&](oci::ExecutionConfig& config) {
        config.on_build.push_back(instruction.args.front());
    });
}

void StageBuilder::arg(const Instruction& instruction) {
    std::string comment = "ARG";
    for (const auto& [name, value] : instruction.pairs) {
        std::optional<std::string> chosen;
        if (value) chosen = expand_word(*value);
        comment += " " + name + (chosen ? "=" + *chosen : "");
        if (const auto given = session_.build_arg(name)) {
            chosen = given;
        } else if (!value && session_.global_args.contains(name)) {
            chosen = session_.global_args.at(name);
        }
        declared_args_.insert(name);
        if (chosen) args_[name] = *chosen;
    }
    metadata(comment, [](oci::ExecutionConfig&) {});
}

}  // namespace brig::build
