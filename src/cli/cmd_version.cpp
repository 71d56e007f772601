// brig version, brig info.
#include <sys/utsname.h>

#include "base/strings.h"
#include "base/version.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/output.h"
#include "cli/units.h"

namespace brig::cli {
namespace {

/// Go's name of this machine's architecture.
std::string architecture() {
    utsname names{};
    ::uname(&names);
    std::string machine = names.machine;
    if (machine == "x86_64" || machine == "amd64") return "amd64";
    if (machine == "aarch64" || machine == "arm64") return "arm64";
    return machine;
}

std::string system_name() {
    utsname names{};
    ::uname(&names);
    return to_lower(names.sysname);
}

Json client_version() {
    return {{"Version", version},
            {"ApiVersion", api_version},
            {"GitCommit", git_commit},
            {"Os", system_name()},
            {"Arch", architecture()}};
}

struct Line {
    std::string_view title;
    std::string value;
};

void print_lines(std::string_view heading, const std::vector<Line>& lines, std::size_t width) {
    print_line(heading);
    for (const Line& line : lines) {
        if (!line.value.empty())
            print_line(
                fmt::format(" {:<{}}{}", fmt::format("{}: ", line.title), width, line.value));
    }
}

void print_client(const Json& client) {
    print_lines("Client: Brig",
                {{"Version", text_of(client, "Version")},
                 {"API version", text_of(client, "ApiVersion")},
                 {"Git commit", text_of(client, "GitCommit")},
                 {"OS/Arch", text_of(client, "Os") + "/" + text_of(client, "Arch")}},
                19);
}

void print_server(const Json& server) {
    print_lines(
        "\nServer: Brig",
        {{"Version", text_of(server, "Version")},
         {"API version", fmt::format("{} (minimum version {})", text_of(server, "ApiVersion"),
                                     text_of(server, "MinAPIVersion"))},
         {"Git commit", text_of(server, "GitCommit")},
         {"OS/Arch", text_of(server, "Os") + "/" + text_of(server, "Arch")},
         {"Kernel", text_of(server, "KernelVersion")}},
        19);
}

std::string driver_list(const Json& names) {
    std::vector<std::string> texts;
    for (const Json& name : names) texts.push_back(name.get<std::string>());
    return join(texts, " ");
}

void print_engine(const Json& info) {
    const auto count = [&](const char* key) { return std::to_string(number_of(info, key)); };
    print_lines("Server:",
                {{"Containers", count("Containers")},
                 {" Running", count("ContainersRunning")},
                 {" Paused", count("ContainersPaused")},
                 {" Stopped", count("ContainersStopped")},
                 {"Images", count("Images")},
                 {"Server Version", text_of(info, "ServerVersion")},
                 {"Storage Driver", text_of(info, "Driver")},
                 {"Logging Driver", text_of(info, "LoggingDriver")},
                 {"Cgroup Driver", text_of(info, "CgroupDriver")},
                 {"Cgroup Version", text_of(info, "CgroupVersion")},
                 {"Volume Drivers", driver_list(at_path(info, "Plugins", "Volume"))},
                 {"Network Drivers", driver_list(at_path(info, "Plugins", "Network"))},
                 {"Default Runtime", text_of(info, "DefaultRuntime")},
                 {"Kernel Version", text_of(info, "KernelVersion")},
                 {"Operating System", text_of(info, "OperatingSystem")},
                 {"OSType", text_of(info, "OSType")},
                 {"Architecture", text_of(info, "Architecture")},
                 {"CPUs", count("NCPU")},
                 {"Total Memory", binary_size(static_cast<double>(number_of(info, "MemTotal")))},
                 {"Name", text_of(info, "Name")},
                 {"ID", text_of(info, "ID")},
                 {"Root Dir", text_of(info, "DockerRootDir")}},
                0);
    for (const Json& warning : at_path(info, "Warnings")) print_error(warning.get<std::string>());
}

}  // namespace

int version_command(Invocation& in) {
    std::string format;
    in.flags.text("format,f", format, "json, or a Go template");
    in.parse();
    Json both = {{"Client", client_version()}, {"Server", nullptr}};
    if (format.empty()) print_client(both["Client"]);
    std::string failure;
    try {
        both["Server"] = parse_json(in.engine().call("GET", "/version").body);
        if (format.empty()) print_server(both["Server"]);
    } catch (const Error& error) {
        failure = error.message();
    }
    if (!format.empty()) print_line(format_value(both, format));
    if (!failure.empty()) throw Failure(1, failure);
    return 0;
}

int info(Invocation& in) {
    std::string format;
    in.flags.text("format,f", format, "json, or a Go template");
    in.parse();
    if (format.empty()) {
        print_lines("Client: Brig", {{"Version", std::string(version)}}, 0);
        print_line("");
    }
    const Json engine = parse_json(in.engine().call("GET", "/info").body);
    if (format.empty())
        print_engine(engine);
    else
        print_line(format_value(engine, format));
    return 0;
}

}  // namespace brig::cli
