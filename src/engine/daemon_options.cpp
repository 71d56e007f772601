// See daemon_options.h. Keys of the file and long options are the same words.
#include "engine/daemon_options.h"

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/strings.h"
#include "base/toml.h"
#include "registry/registries_table.h"

namespace brig::engine {

std::string daemon_usage() {
    const auto places = os::default_places();
    return fmt::format(
        "usage: brigd [options]\n"
        "  --root DIR            images, containers, volumes (default {0})\n"
        "  --run DIR             sockets and runtime state (default {1})\n"
        "  -H, --host ADDRESS    listen on unix://PATH (default RUN/brig.sock; may be repeated)\n"
        "  --config FILE         default {2}, where it exists\n"
        "  --bridge NAME         network interface of the default bridge (default brig0, or one "
        "made "
        "from --run)\n"
        "  --subnet ADDRESS/BITS its address and network (default 172.30.0.1/16, or one made from "
        "--run)\n"
        "  --ipv6                IPv6 on the default bridge\n"
        "  --fixed-cidr-v6 ADDRESS/BITS its subnet (default one of the unique local addresses)\n"
        "  --ip6tables=false     no firewall rules for IPv6\n"
        "  --nft-table NAME      nftables table or PF anchor (default brig)\n"
        "  --link-prefix TEXT    begins the names of host-side interfaces\n"
        "  --snapshotter NAME    overlay, btrfs, zfs, copy; default: the best that the root "
        "directory allows\n"
        "  --userns-remap USER[:GROUP]  users of containers are those that USER has in /etc/subuid "
        "and /etc/subgid; default: dockremap (Linux)\n"
        "  --shim PROGRAM        brig-shim to start\n"
        "  --log-level LEVEL     debug, info, warn, error\n"
        "  -D, --debug           the same as --log-level debug\n"
        "  --insecure-registry HOST[:PORT]  may speak plain HTTP or have any certificate (may be "
        "repeated)\n"
        "  --registry-mirror URL  asked for images of docker.io first (may be repeated)\n"
        "  --max-concurrent-downloads N  blobs of an image at the same time (default 3)\n"
        "  --max-concurrent-uploads N  (default 5)\n"
        "  --ssh-command WORDS   ssh and its options, for ssh:// registries (default ssh)\n"
        "  --idle-exit SECONDS   leave after that long without a container or a request\n"
        "  --version, --help\n",
        places.root.string(), places.run.string(), places.config.string());
}

namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_concurrent = 64;

log::Level parse_level(const std::string& text) {
    if (text == "debug") return log::Level::debug;
    if (text == "info") return log::Level::info;
    if (text == "warn") return log::Level::warn;
    if (text == "error") return log::Level::error;
    throw Error(ErrorKind::invalid_argument,
                "unknown log level {}: want debug, info, warn or error", text);
}

std::vector<std::string> words_of(const std::string& text) {
    std::vector<std::string> out;
    for (auto& word : split(text, ' ')) {
        if (!word.empty()) out.push_back(std::move(word));
    }
    if (out.empty()) throw Error(ErrorKind::invalid_argument, "option ssh-command is empty");
    return out;
}

fs::path parse_host(const std::string& address) {
    if (address.starts_with("unix://")) return fs::absolute(address.substr(7));
    if (address.starts_with("tcp://")) {
        throw Error(ErrorKind::not_implemented,
                    "brigd does not listen on {}: TCP without TLS would give root to anybody, and "
                    "TLS is not "
                    "implemented; use unix://PATH",
                    address);
    }
    if (address.find("://") == std::string::npos && address.starts_with('/')) return address;
    throw Error(ErrorKind::invalid_argument, "cannot listen on {}: want unix://PATH", address);
}

void apply_registries(DaemonOptions& options, const toml::node& tables, const fs::path& file) {
    auto [insecure, mirrors] = registry::read_registries(tables, file.string());
    options.insecure_registries.merge(insecure);
    for (const auto& [name, list] : mirrors) {
        auto& known = options.mirrors[name];
        known.insert(known.end(), list.begin(), list.end());
    }
}

void apply_table(DaemonOptions& options, const toml::table& table, const fs::path& file) {
    for (const auto& [key, value] : table) {
        const std::string name(key.str());
        const auto apply = [&](const toml::node& node) {
            if (const auto* text = node.as_string()) {
                apply_option(options, name, text->get());
            } else if (const auto* number = node.as_integer()) {
                apply_option(options, name, std::to_string(number->get()));
            } else if (const auto* flag = node.as_boolean()) {
                apply_option(options, name, flag->get() ? "true" : "false");
            } else {
                throw Error(ErrorKind::invalid_argument, "{}: key {} has the wrong type",
                            file.string(), name);
            }
        };
        if (name == "registry") {
            apply_registries(options, value, file);
        } else if (const auto* list = value.as_array()) {
            for (const auto& element : *list) apply(element);
        } else {
            apply(value);
        }
    }
}

void read_config(DaemonOptions& options, const fs::path& file) {
    const std::string text = read_file(file, 1U << 20U);
    try {
        apply_table(options, toml::parse(text), file);
    } catch (const toml::parse_error& e) {
        throw Error(ErrorKind::invalid_argument, "{}:{}: {}", file.string(), e.source().begin.line,
                    e.description());
    }
}

bool is_switch(std::string_view key) {
    return key == "debug" || key == "help" || key == "version" || key == "ipv6" ||
           key == "ip6tables";
}

struct Argument {
    std::string key;
    std::string value;
};

std::vector<Argument> take_apart(const std::vector<std::string>& arguments) {
    std::vector<Argument> out;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        std::string text = arguments[i];
        if (text == "-D") text = "--debug";
        if (text == "-H") text = "--host";
        if (!text.starts_with("--") || text.size() < 3) {
            throw Error(ErrorKind::invalid_argument, "unknown argument {}; see brigd --help", text);
        }
        auto [key, value] = split_once(std::string_view(text).substr(2), '=');
        if (!value && is_switch(key)) value = "true";
        if (!value && i + 1 < arguments.size()) value = arguments[++i];
        if (!value)
            throw Error(ErrorKind::invalid_argument,
                        "option --{} is unknown or needs a value; see brigd --help", key);
        out.push_back({std::move(key), std::move(*value)});
    }
    return out;
}

}  // namespace

void apply_option(DaemonOptions& options, const std::string& key, const std::string& value) {
    const auto flag = [&] {
        const auto parsed = parse_bool(value);
        if (!parsed)
            throw Error(ErrorKind::invalid_argument, "option {} is true or false, not {}", key,
                        value);
        return *parsed;
    };
    if (key == "root") {
        options.root = fs::absolute(value);
    } else if (key == "run") {
        options.run = fs::absolute(value);
    } else if (key == "host") {
        options.sockets.push_back(parse_host(value));
    } else if (key == "bridge") {
        options.bridge = value;
    } else if (key == "subnet" || key == "bip") {
        options.subnet = value;
    } else if (key == "ipv6") {
        options.ipv6 = flag();
    } else if (key == "fixed-cidr-v6") {
        options.subnet6 = value;
    } else if (key == "ip6tables") {
        options.ip6tables = flag();
    } else if (key == "nft-table") {
        options.nft_table = value;
    } else if (key == "link-prefix") {
        options.link_prefix = value;
    } else if (key == "snapshotter") {
        options.snapshotter = value;
    } else if (key == "userns-remap") {
        options.userns_remap = value;
    } else if (key == "shim") {
        options.shim = value;
    } else if (key == "log-level") {
        options.log_level = parse_level(value);
    } else if (key == "debug") {
        if (flag()) options.log_level = log::Level::debug;
    } else if (key == "idle-exit") {
        const auto seconds = parse_int<int>(value);
        if (!seconds || *seconds < 0) {
            throw Error(ErrorKind::invalid_argument, "option {} wants seconds, not {}", key, value);
        }
        options.idle_exit = *seconds;
    } else if (key == "insecure-registry" || key == "insecure-registries") {
        options.insecure_registries.insert(value);
    } else if (key == "registry-mirror" || key == "registry-mirrors") {
        options.mirrors["docker.io"].push_back(registry::Mirror::parse(value));
    } else if (key == "max-concurrent-downloads" || key == "max-concurrent-uploads") {
        const auto count = parse_int<std::size_t>(value);
        if (!count || *count < 1 || *count > max_concurrent) {
            throw Error(ErrorKind::invalid_argument, "option {} is between 1 and {}, not {}", key,
                        max_concurrent, value);
        }
        (key.ends_with("downloads") ? options.downloads : options.uploads) = *count;
    } else if (key == "ssh-command") {
        options.ssh_command = words_of(value);
    } else if (key == "help") {
        options.help = flag();
    } else if (key == "version") {
        options.version = flag();
    } else {
        throw Error(ErrorKind::invalid_argument, "unknown option {}; see brigd --help", key);
    }
}

DaemonOptions parse_daemon_options(const std::vector<std::string>& arguments,
                                   const fs::path& default_config) {
    DaemonOptions options;
    auto given = take_apart(arguments);
    options.config = default_config;
    const auto is_named = std::erase_if(given, [&](const Argument& argument) {
        if (argument.key == "config") options.config = fs::absolute(argument.value);
        return argument.key == "config";
    });
    std::error_code ignored;
    if (is_named > 0 || fs::exists(options.config, ignored)) read_config(options, options.config);
    if (std::ranges::any_of(given, [](const auto& argument) { return argument.key == "host"; }))
        options.sockets.clear();
    for (const auto& [key, value] : given) apply_option(options, key, value);
    if (options.sockets.empty()) options.sockets.push_back(options.run / "brig.sock");
    return options;
}

}  // namespace brig::engine
