// A jail as the kernel takes it: names, parameters with the kernel's own error text, descriptors of
// devices it may see.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "os/sandbox_spec.h"

namespace brig::os {

/// The jail's name for a container: its id, but for what the kernel refuses ('.' separates parent
/// jails, a number would be a jail's number).
std::string jail_name(const std::string& id, const std::string& parent = {});
/// Nothing when there is none.
std::optional<int> find_jail(const std::string& name);
/// The host path of a jail's root. Throws not_found.
std::string jail_path(const std::string& name);
/// Kills what is inside. A jail that is not there is fine.
void remove_jail(const std::string& name);

/// The name-value pairs of jail_set(2) and nmount(2), and the error text they give back.
class KernelParameters {
public:
    KernelParameters& text(std::string_view name, std::string_view value);
    KernelParameters& number(std::string_view name, int value);
    KernelParameters& bytes(std::string_view name, const void* data, std::size_t size);
    /// Present, without a value.
    KernelParameters& flag(std::string_view name);
    /// The kernel's words after a failure; empty when it had none.
    [[nodiscard]] std::string error_text() const;
    /// Adds the place for the error text; call once, last.
    std::vector<iovec>& finish();

private:
    char* keep(const void* data, std::size_t size);

    std::deque<std::string> storage_;  // addresses must not move
    std::vector<iovec> vector_;
    std::string message_ = std::string(256, '\0');
};

/// "disable", "new" or "inherit". Throws Error{invalid_argument} for other words, and nothing is
/// added for none.
void add_jailsys(KernelParameters& parameters, const std::string& name, const std::string& value);
/// Whether this kernel has the parameter.
bool has_parameter(const std::string& name);
/// Any parameter, its value as jail(8) would take it. Throws Error{invalid_argument} for a name
/// that this kernel does not have and for a value not of its type.
void add_parameter(KernelParameters& parameters, const std::string& name, const std::string& value);

/// Makes the jail that `spec` describes around the directory `root` and returns its number. Throws
/// in the kernel's words.
int create_jail(const SandboxSpec& spec, const std::string& name, const std::string& root);

/// devfs rules for one jail: nothing is visible but the harmless nodes and what `devices` names.
/// Returns the ruleset's number. What a former jail left under it is replaced.
unsigned make_device_ruleset(int jail, const std::vector<JailDevice>& devices);
void remove_device_ruleset(int jail);

}  // namespace brig::os
