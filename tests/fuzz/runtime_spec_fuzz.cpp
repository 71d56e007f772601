// config.json of anybody: arbitrary bytes are parsed, what is accepted must survive being written
// and read again, and everything that is looked up before a container is made is looked up.
#include <cstdint>
#include <cstdlib>

#include "base/error.h"
#include "base/log.h"
#include "oci/runtime_spec.h"
#include "os/linux/capabilities.h"
#include "os/linux/cgroup_layout.h"
#include "os/linux/memory_policy.h"
#include "os/linux/mount_plan.h"
#include "os/linux/namespaces.h"
#include "os/linux/scheduling.h"
#include "os/sandbox.h"
#include "runtime/translate.h"

using namespace brig;

template <typename Action>
static void try_to(Action action) {
    try {
        action();
    } catch (const Error&) {
        // The only way to refuse.
    }
}

template <typename Parse>
static void parse_twice(Parse parse, std::string_view text) {
    try_to([&] {
        const std::string written = oci::to_json(parse(text));
        if (oci::to_json(parse(written)) != written) std::abort();
    });
}

static void look_up(const oci::RuntimeSpec& spec) {
    try_to([&] { (void)runtime::sandbox_spec("fuzz", "/bundle", spec, {}); });
    for (const Mount& mount : spec.mounts) try_to([&] { (void)os::plan_mount(mount); });
    try_to([&] { (void)os::Scheduling(spec.process); });
    if (spec.process.capabilities)
        try_to([&] { (void)os::capability_masks(*spec.process.capabilities); });
    if (!spec.linux) return;
    if (spec.linux->memory_policy)
        try_to([&] { (void)os::NumaPolicy(*spec.linux->memory_policy); });
    try_to([&] { (void)os::plan_namespaces(*spec.linux); });
    try_to([&] { (void)os::cgroup_path("fuzz", spec.linux->cgroups_path); });
    if (spec.linux->seccomp)
        try_to([&] { (void)os::SyscallFilter::compile(*spec.linux->seccomp, ""); });
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    log::set_level(log::Level::error);
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    parse_twice(oci::runtime_spec_from_json, text);
    parse_twice(oci::process_from_json, text);
    parse_twice(oci::resources_from_json, text);
    try_to([&] { look_up(oci::runtime_spec_from_json(text)); });
    return 0;
}
