// brig-runtime spec: a config.json to begin with, by default runc's own example.
#include <array>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "os/sandbox.h"
#include "runtime/cli/command.h"
#include "runtime/cli/example_spec.h"

namespace brig::runtime {
namespace fs = std::filesystem;
namespace {

constexpr std::array options{
    Option{"bundle", "b", "DIRECTORY", "where to write it; the current directory by default"},
    Option{"rootless", "", "", "for an ordinary user"},
    Option{"docker", "", "", "a container as brig run makes it, with docker's seccomp profile"}};

oci::RuntimeSpec wanted(const Arguments& arguments) {
    if (arguments.has("docker") || os::sandbox_kind() == os::SandboxKind::jail)
        return default_spec();
    oci::RuntimeSpec spec = example_spec();
    if (arguments.has("rootless")) make_rootless(spec);
    return spec;
}

int run(Context&, const Arguments& arguments) {
    const fs::path path = fs::path(arguments.value("bundle").value_or(".")) / "config.json";
    if (fs::exists(path))
        throw Error(ErrorKind::already_exists, "{} exists: remove it first", path.string());
    write_file_atomic(path, indented(oci::to_json(wanted(arguments))), 0666,
                      Durability::rebuildable);
    return 0;
}

}  // namespace

constinit const Command spec_command{.name = "spec",
                                     .usage = "",
                                     .summary = "write a config.json to begin with",
                                     .options = options,
                                     .words = {0, 0},
                                     .run = run};

}  // namespace brig::runtime
