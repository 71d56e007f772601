// See platform.h.
#include "oci/platform.h"

#include <sys/utsname.h>

#include "base/error.h"
#include "base/strings.h"

namespace brig::oci {
namespace {

/// Other spellings of the same processor, as containerd normalises them.
void normalise(Platform& platform) {
    auto& arch = platform.architecture;
    auto& variant = platform.variant;
    if (arch == "x86_64" || arch == "x86-64") arch = "amd64";
    if (arch == "i386" || arch == "i686") arch = "386";
    if (arch == "aarch64") arch = "arm64";
    if (arch == "armhf" || arch == "armv7l") {
        arch = "arm";
        if (variant.empty()) variant = "v7";
    }
    if (arch == "armel") {
        arch = "arm";
        variant = "v6";
    }
    if (arch == "arm64" && (variant == "8" || variant == "v8")) variant.clear();
    if (arch == "amd64" && variant == "v1") variant.clear();
}

}  // namespace

std::string Platform::str() const {
    std::string out = os + "/" + architecture;
    if (!variant.empty()) out += "/" + variant;
    return out;
}

Platform Platform::parse(std::string_view text) {
    const auto parts = split(to_lower(text), '/');
    const auto bad = [](const std::string& part) {
        return part.empty() || part.front() == '.' ||
               part.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.-") !=
                   std::string::npos;
    };
    for (const auto& part : parts) {
        if (bad(part) || parts.size() > 3) {
            throw Error(ErrorKind::invalid_argument,
                        "invalid platform {:?}: want os/architecture[/variant]", text);
        }
    }
    Platform out = host();
    out.variant.clear();
    if (parts.size() == 1) {
        const bool is_os = parts[0] == "linux" || parts[0] == "freebsd";
        (is_os ? out.os : out.architecture) = parts[0];
    } else {
        out.os = parts[0];
        out.architecture = parts[1];
        if (parts.size() == 3) out.variant = parts[2];
    }
    normalise(out);
    return out;
}

Platform Platform::host() {
    utsname name{};
    if (::uname(&name) != 0) throw SysError("ask the kernel for its name");
    Platform out{.os = to_lower(name.sysname), .architecture = to_lower(name.machine)};
    normalise(out);
    return out;
}

bool Platform::accepts(const Platform& image) const {
    Platform theirs = image;
    normalise(theirs);
    const auto fits = [](const std::string& wanted, const std::string& got) {
        return wanted.empty() || got.empty() || wanted == got;
    };
    return fits(os, theirs.os) && fits(architecture, theirs.architecture) &&
           fits(variant, theirs.variant);
}

}  // namespace brig::oci
