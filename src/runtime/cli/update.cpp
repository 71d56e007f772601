// brig-runtime update: other limits for a container that is there already.
#include <unistd.h>

#include <array>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strings.h"
#include "runtime/cli/command.h"

namespace brig::runtime {
namespace {

constexpr std::array options{
    Option{"resources", "r", "FILE", "read linux.resources from FILE, or standard input for -"},
    Option{"blkio-weight", "", "N", "share of block I/O, 10 to 1000"},
    Option{"cpu-period", "", "USEC", "length of a scheduling period"},
    Option{"cpu-quota", "", "USEC", "processor time per period, -1 for no limit"},
    Option{"cpu-burst", "", "USEC", "time a period may borrow from earlier ones"},
    Option{"cpu-share", "", "N", "weight against other containers"},
    Option{"cpu-rt-period", "", "USEC", "length of a real-time period"},
    Option{"cpu-rt-runtime", "", "USEC", "real-time per period"},
    Option{"cpu-idle", "", "0|1", "run only when nothing else wants to"},
    Option{"cpuset-cpus", "", "LIST", "processors to use"},
    Option{"cpuset-mems", "", "LIST", "memory nodes to use"},
    Option{"kernel-memory", "", "BYTES", "ignored: kernels have it no more"},
    Option{"kernel-memory-tcp", "", "BYTES", "ignored: kernels have it no more"},
    Option{"memory", "", "BYTES", "limit of memory, -1 for none"},
    Option{"memory-reservation", "", "BYTES", "memory to be left with when it is short"},
    Option{"memory-swap", "", "BYTES", "limit of memory and swap together, -1 for none"},
    Option{"pids-limit", "", "N", "limit of processes, -1 for none"},
    Option{"l3-cache-schema", "", "TEXT", "not supported"},
    Option{"mem-bw-schema", "", "TEXT", "not supported"}};

Error bad_value(std::string_view name, const std::string& text) {
    return {ErrorKind::invalid_argument, "invalid value for {}: {:?} is no number", name, text};
}

template <typename Integer>
void read_number(const Arguments& arguments, std::string_view name, std::optional<Integer>& field) {
    const auto text = arguments.value(name);
    if (!text || text->empty()) return;
    field = parse_int<Integer>(*text);
    if (!field) throw bad_value(name, *text);
}

void read_size(const Arguments& arguments, std::string_view name,
               std::optional<std::int64_t>& field) {
    const auto text = arguments.value(name);
    if (!text || text->empty()) return;
    field = *text == "-1" ? -1 : parse_bytes(*text);
    if (!field) throw bad_value(name, *text);
}

oci::Resources from_options(const Arguments& arguments) {
    oci::Resources out;
    read_number(arguments, "blkio-weight", out.block_io.weight);
    read_number(arguments, "cpu-period", out.cpu.period);
    read_number(arguments, "cpu-quota", out.cpu.quota);
    read_number(arguments, "cpu-burst", out.cpu.burst);
    read_number(arguments, "cpu-share", out.cpu.shares);
    read_number(arguments, "cpu-rt-period", out.cpu.realtime_period);
    read_number(arguments, "cpu-rt-runtime", out.cpu.realtime_runtime);
    read_number(arguments, "cpu-idle", out.cpu.idle);
    out.cpu.cpus = arguments.value("cpuset-cpus").value_or("");
    out.cpu.mems = arguments.value("cpuset-mems").value_or("");
    read_size(arguments, "memory", out.memory.limit);
    read_size(arguments, "memory-reservation", out.memory.reservation);
    read_size(arguments, "memory-swap", out.memory.swap);
    read_number(arguments, "pids-limit", out.pids_limit);
    return out;
}

oci::Resources wanted(const Arguments& arguments) {
    const auto file = arguments.value("resources");
    if (!file || file->empty()) return from_options(arguments);
    const std::string text =
        *file == "-" ? read_to_end(STDIN_FILENO, 1U << 20U) : read_file(*file, 1U << 20U);
    try {
        return oci::resources_from_json(text);
    } catch (const Error& e) {
        throw e.within("--resources " + *file);
    }
}

int run(Context& context, const Arguments& arguments) {
    for (const char* name : {"l3-cache-schema", "mem-bw-schema"}) {
        if (!arguments.value(name).value_or("").empty())
            throw Error(ErrorKind::not_implemented, "--{} is not supported: no Intel RDT", name);
    }
    for (const char* name : {"kernel-memory", "kernel-memory-tcp"}) {
        if (arguments.has(name)) log::warn("--{} is ignored: kernels have no such limit now", name);
    }
    oci::Resources resources = wanted(arguments);
    // Memory without limit leaves no room for a limit of memory and swap.
    if (resources.memory.limit == -1 && !resources.memory.swap) resources.memory.swap = -1;
    context.runtime.update(arguments.words().front(), resources);
    return 0;
}

}  // namespace

constinit const Command update_command{.name = "update",
                                       .usage = "CONTAINER",
                                       .summary = "change a container's limits",
                                       .options = options,
                                       .run = run};

}  // namespace brig::runtime
