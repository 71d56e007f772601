// load, save, import and bootstrap: images from and to files.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "base/defer.h"
#include "base/strings.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/output_file.h"
#include "cli/progress.h"
#include "os/terminal.h"

namespace brig::cli {
namespace {

Fd open_input(const std::string& path) {
    try {
        return open_file(path, O_RDONLY);
    } catch (const SysError& error) {
        throw Error(error.kind(), "open {}: {}", path,
                    to_lower(std::strerror(error.error_number())));
    }
}

/// A reference's name and tag, the tag empty where it has none.
std::pair<std::string, std::string> split_reference(const std::string& reference) {
    const auto colon = reference.rfind(':');
    if (colon == std::string::npos || reference.find('/', colon) != std::string::npos)
        return {reference, ""};
    return {reference.substr(0, colon), reference.substr(colon + 1)};
}

client::Exchange upload(client::Client& engine, const std::string& target, int fd) {
    return engine.begin({.method = "POST", .target = target, .content_type = "application/x-tar"},
                        client::from_descriptor(fd));
}

}  // namespace

int load(Invocation& in) {
    std::string input, platform;
    bool quiet = false;
    in.flags.text("input,i", input, "Archive to read instead of standard input");
    in.flags.text("platform", platform, "Load only this platform");
    in.flags.toggle("quiet,q", quiet, "Show no progress");
    in.parse();
    Fd file;
    if (!input.empty())
        file = open_input(input);
    else if (os::is_terminal(STDIN_FILENO))
        throw Failure(1, "requested load from stdin, but stdin is empty");
    client::Query query;
    query.add("quiet", quiet ? "1" : "0");
    if (!platform.empty()) query.add("platform", platform);
    auto exchange =
        upload(in.engine(), "/images/load" + query.str(), file ? file.get() : STDIN_FILENO);
    show_progress(exchange, {});
    return 0;
}

int save(Invocation& in) {
    std::string output, platform;
    in.flags.text("output,o", output, "File to write instead of standard output");
    in.flags.text("platform", platform, "Save only this platform");
    const auto names = in.parse();
    if (output.empty() && output_is_terminal()) {
        throw Failure(1, "cowardly refusing to save to a terminal. Use the -o flag or redirect");
    }
    client::Query query;
    for (const auto& name : names) query.add("names", name);
    if (!platform.empty()) query.add("platform", platform);
    client::Exchange exchange = in.engine().begin("GET", "/images/get" + query.str());
    write_output(exchange, output, "failed to save image");
    return 0;
}

int import(Invocation& in) {
    std::vector<std::string> changes;
    std::string message, platform;
    in.flags.list("change,c", changes, "Dockerfile instruction to apply to the image");
    in.flags.text("message,m", message, "Comment on the image");
    in.flags.text("platform", platform, "Platform of the image");
    const auto words = in.parse();
    client::Query query;
    query.add("fromSrc", "-");
    if (words.size() > 1) {
        const auto [name, tag] = split_reference(words[1]);
        query.add("repo", name);
        if (!tag.empty()) query.add("tag", tag);
    }
    if (!message.empty()) query.add("message", message);
    if (!platform.empty()) query.add("platform", platform);
    for (const auto& change : changes) query.add("changes", change);
    if (words[0].starts_with("http://") || words[0].starts_with("https://")) {
        throw Failure(1,
                      "import from a URL is not implemented; fetch it and give the file, or - for "
                      "standard input");
    }
    const Fd file = words[0] == "-" ? Fd() : open_input(words[0]);
    auto exchange =
        upload(in.engine(), "/images/create" + query.str(), file ? file.get() : STDIN_FILENO);
    show_progress(exchange, {});
    return 0;
}

int bootstrap(Invocation& in) {
    std::string name_and_tag, base;
    in.flags.text("tag,t", name_and_tag, "Name of the image, instead of the system's own");
    in.flags.text("base", base, "Local file or mirror to take the system from");
    const auto words = in.parse();
    client::Query query;
    query.add("fromSrc", "bootstrap:" + words[0]);
    // The engine has a working directory of its own.
    if (std::filesystem::exists(base)) base = std::filesystem::absolute(base).string();
    if (!base.empty()) query.add("base", base);
    const auto [name, tag] = split_reference(name_and_tag.empty() ? words[0] : name_and_tag);
    query.add("repo", name).add("tag", tag.empty() ? "latest" : tag);
    client::Exchange exchange = in.engine().begin("POST", "/images/create" + query.str());
    show_progress(exchange, {});
    return 0;
}

}  // namespace brig::cli
