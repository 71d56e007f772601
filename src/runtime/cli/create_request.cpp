// See create_request.h.
#include "runtime/cli/create_request.h"

#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "runtime/cli/process_options.h"

namespace brig::runtime {
namespace fs = std::filesystem;
namespace {

oci::RuntimeSpec read_spec(const fs::path& bundle) {
    const std::string text = read_file(bundle / "config.json");
    try {
        return oci::runtime_spec_from_json(text);
    } catch (const Error& e) {
        throw e.within("config.json");
    }
}

}  // namespace

BundleRequest bundle_request(const Context& context, const Arguments& arguments, bool detached) {
    const fs::path bundle = fs::absolute(arguments.value("bundle").value_or("."));
    BundleRequest out{read_spec(bundle), {}};
    check_console(arguments, out.spec.process.terminal, detached);
    out.request.id = arguments.words().front();
    out.request.bundle = bundle.lexically_normal();
    if (!out.request.bundle.has_filename()) out.request.bundle = out.request.bundle.parent_path();
    out.request.stdio = own_stdio();
    out.request.plain_newlines = !detached;
    out.request.preserve_fds = preserved_fds(arguments);
    out.request.systemd_cgroup = context.systemd_cgroup;
    out.request.no_new_keyring = arguments.has("no-new-keyring");
    out.request.no_pivot = arguments.has("no-pivot");
    return out;
}

}  // namespace brig::runtime
