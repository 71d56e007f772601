// How a task ended, kept in its bundle until it is removed, so that a shim or an engine that was
// away at the time still learns it. Not flushed: after a power loss there is no task to ask about.
#pragma once

#include <filesystem>
#include <optional>

#include "shim/types.h"

namespace brig::shim {

/// Throws SysError.
void save_exit(const std::filesystem::path& bundle, const TaskExit& exit);
/// Nothing when there is none or it is damaged.
std::optional<TaskExit> load_exit(const std::filesystem::path& bundle, const std::string& id);
void remove_exit(const std::filesystem::path& bundle);

}  // namespace brig::shim
