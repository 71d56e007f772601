// Reading and writing the small files that control groups are operated by.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace brig::os {

/// Throws SysError naming file and value.
void write_control(const std::string& directory, std::string_view file, std::string_view value);
/// False when the kernel has no such file.
bool try_write_control(const std::string& directory, std::string_view file, std::string_view value);
/// Empty when there is no such file.
std::string read_control(const std::string& directory, std::string_view file);
/// "max" and absence are nothing.
std::optional<std::uint64_t> read_number(const std::string& directory, std::string_view file);
/// "key value" lines.
std::map<std::string, std::uint64_t> read_table(const std::string& directory,
                                                std::string_view file);

/// Of the group and the groups below.
std::vector<pid_t> group_processes(const std::string& directory);
/// With the groups below; false when some process is still inside.
bool remove_group(const std::string& directory);

}  // namespace brig::os
