// The process table by /proc.
#include "os/process_table.h"

#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "base/error.h"
#include "base/file.h"
#include "base/strings.h"

namespace brig::os {
namespace {

constexpr std::size_t limit = 1U << 20U;

/// The fields of /proc/PID/stat from the third (state) on; the second, in parentheses, may contain
/// anything at all.
std::vector<std::string> stat_fields(const std::string& text, std::string& name) {
    const auto open = text.find('(');
    const auto close = text.rfind(')');
    if (open == std::string::npos || close == std::string::npos || close + 2 > text.size())
        return {};
    name = text.substr(open + 1, close - open - 1);
    return split(trim(std::string_view(text).substr(close + 2)), ' ');
}

Instant boot_time() {
    static const Instant booted = [] {
        for (const auto& line : split(read_file("/proc/stat", 16U << 20U), '\n')) {
            if (!line.starts_with("btime ")) continue;
            return Instant(
                std::chrono::seconds(parse_int<std::int64_t>(line.substr(6)).value_or(0)));
        }
        return Instant{};
    }();
    return booted;
}

std::string terminal_name(std::uint64_t device) {
    const auto major = (device >> 8U) & 0xfffU;
    const auto minor = (device & 0xffU) | ((device >> 12U) & 0xfff00U);
    if (major >= 136 && major <= 143) return fmt::format("pts/{}", (major - 136) * 256 + minor);
    if (major == 4) return fmt::format("tty{}", minor);
    return "?";
}

std::string command_line(const std::string& directory, const std::string& name) {
    std::string line = read_file(directory + "/cmdline", limit);
    while (!line.empty() && line.back() == '\0') line.pop_back();
    if (line.empty()) return "[" + name + "]";
    std::ranges::replace_if(
        line, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
    return line;
}

}  // namespace

std::optional<ProcessInfo> process_info(pid_t pid) {
    const std::string directory = fmt::format("/proc/{}", pid);
    try {
        std::string name;
        const auto fields = stat_fields(read_file(directory + "/stat", limit), name);
        struct stat owner {};
        if (fields.size() < 20 || ::stat(directory.c_str(), &owner) != 0) return std::nullopt;
        const auto number = [&](std::size_t field) {
            // proc(5) counts from 1 and we from its third.
            return parse_int<std::uint64_t>(fields[field - 3]).value_or(0);
        };
        const auto ticks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
        ProcessInfo info;
        info.pid = pid;
        info.parent = static_cast<pid_t>(number(4));
        info.uid = owner.st_uid;
        info.terminal = terminal_name(number(7));
        info.cpu_milliseconds = (number(14) + number(15)) * 1000 / ticks;
        info.started = boot_time() + std::chrono::milliseconds(number(22) * 1000 / ticks);
        info.command = command_line(directory, name);
        return info;
    } catch (const Error&) {
        return std::nullopt;
    }
}

HostInfo host_info() {
    utsname names{};
    ::uname(&names);
    HostInfo info{names.sysname, names.release, names.machine, names.nodename, "Linux", 0, 0};
    info.cgroup_version = ::access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0 ? "2" : "1";
    info.cpus = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
    struct sysinfo memory {};
    if (::sysinfo(&memory) == 0)
        info.memory = static_cast<std::uint64_t>(memory.totalram) * memory.mem_unit;
    std::ifstream release("/etc/os-release");
    for (std::string line; std::getline(release, line);) {
        if (!line.starts_with("PRETTY_NAME=")) continue;
        info.operating_system = line.substr(12);
        std::erase(info.operating_system, '"');
    }
    return info;
}

}  // namespace brig::os
