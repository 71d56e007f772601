// The commands of brig-runtime, one function each: words in, exit code out.
#pragma once

#include <string>
#include <vector>

#include "runtime/runtime.h"

namespace brig::runtime {

struct Context {
    Runtime& runtime;
};
using Words = std::vector<std::string>;

// command_process.cpp
int create_command(Context& context, const Words& words);
int run_command(Context& context, const Words& words);
int start_command(Context& context, const Words& words);
int kill_command(Context& context, const Words& words);
int delete_command(Context& context, const Words& words);
int exec_command(Context& context, const Words& words);
// command_info.cpp
int state_command(Context& context, const Words& words);
int list_command(Context& context, const Words& words);
int ps_command(Context& context, const Words& words);
int pause_command(Context& context, const Words& words);
int resume_command(Context& context, const Words& words);
int update_command(Context& context, const Words& words);
int spec_command(Context& context, const Words& words);
int features_command(Context& context, const Words& words);

}  // namespace brig::runtime
