#include "network/files.h"

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strings.h"

namespace brig::network {
namespace {

/// The words of a line without its comment.
std::vector<std::string> words_of(std::string_view line) {
    std::vector<std::string> words;
    std::string text(line.substr(0, line.find_first_of("#;")));
    std::replace(text.begin(), text.end(), '\t', ' ');
    for (auto& word : split(text, ' ')) {
        if (auto trimmed = std::string(trim(word)); !trimmed.empty())
            words.push_back(std::move(trimmed));
    }
    return words;
}

DnsOptions parse_resolv_conf(std::string_view text) {
    DnsOptions found;
    for (const auto& line : split(text, '\n')) {
        const auto words = words_of(line);
        if (words.size() < 2) continue;
        if (words[0] == "nameserver") found.servers.push_back(words[1]);
        // The last search or domain line counts, options add up (resolv.conf(5)).
        if (words[0] == "search" || words[0] == "domain")
            found.search.assign(words.begin() + 1, words.end());
        if (words[0] == "options")
            found.options.insert(found.options.end(), words.begin() + 1, words.end());
    }
    return found;
}

bool reachable_from_container(const std::string& server, bool ipv6) {
    if (const auto address = os::Ipv4Address::parse(server)) return !address->loopback();
    const auto address = os::Ipv6Address::parse(server);
    return ipv6 && address && !address->loopback() && !address->link_local();
}

/// Options come from API clients: none may begin a line of its own.
void check_words(const std::vector<std::string>& words) {
    for (const auto& word : words) {
        const auto bad = [](unsigned char c) { return c <= ' ' || c == 0x7f; };
        if (word.empty() || std::any_of(word.begin(), word.end(), bad)) {
            throw Error(ErrorKind::invalid_argument,
                        "\"{}\" cannot be a word of resolv.conf or hosts", word);
        }
    }
}

std::string read_or_empty(const char* path) {
    try {
        return read_file(path, 1U << 20U);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::not_found) log::warn("{}", error.message());
        return {};
    }
}

}  // namespace

std::string host_resolv_conf() {
    auto text = read_or_empty("/etc/resolv.conf");
    if (parse_resolv_conf(text).servers != std::vector<std::string>{"127.0.0.53"}) return text;
    auto real = read_or_empty("/run/systemd/resolve/resolv.conf");
    return real.empty() ? text : real;
}

std::string make_resolv_conf(std::string_view host, const DnsOptions& options, DnsScope scope) {
    for (const auto* list : {&options.servers, &options.search, &options.options})
        check_words(*list);
    auto used = parse_resolv_conf(host);
    if (scope != DnsScope::host_network) {
        const bool ipv6 = scope == DnsScope::own_network_with_ipv6;
        std::erase_if(used.servers,
                      [&](const auto& server) { return !reachable_from_container(server, ipv6); });
        if (used.servers.empty()) used.servers = {"8.8.8.8", "8.8.4.4"};
    }
    // What was asked for is taken as it is.
    if (!options.servers.empty()) used.servers = options.servers;
    if (!options.search.empty()) used.search = options.search;
    if (used.search == std::vector<std::string>{"."}) used.search.clear();
    if (!options.options.empty()) used.options = options.options;
    std::string text;
    for (const auto& server : used.servers) text += "nameserver " + server + "\n";
    if (!used.search.empty()) text += "search " + join(used.search, " ") + "\n";
    if (!used.options.empty()) text += "options " + join(used.options, " ") + "\n";
    return text;
}

std::string make_hosts(std::string_view hostname, std::string_view domain,
                       const std::vector<os::IpAddress>& addresses,
                       const std::vector<std::pair<std::string, std::string>>& extra) {
    std::string text =
        "127.0.0.1\tlocalhost\n"
        "::1\tlocalhost ip6-localhost ip6-loopback\n"
        "fe00::\tip6-localnet\n"
        "ff00::\tip6-mcastprefix\n"
        "ff02::1\tip6-allnodes\n"
        "ff02::2\tip6-allrouters\n";
    for (const auto& [name, target] : extra) {
        check_words({name, target});
        text += fmt::format("{}\t{}\n", target, name);
    }
    if (hostname.empty()) return text;
    const auto names =
        domain.empty() ? std::string(hostname) : fmt::format("{0}.{1} {0}", hostname, domain);
    for (const auto& address : addresses)
        text += fmt::format("{}\t{}\n", os::to_string(address), names);
    return text;
}

std::string make_hostname(std::string_view hostname) { return fmt::format("{}\n", hostname); }

}  // namespace brig::network
