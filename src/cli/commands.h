// The commands' functions, as the table in commands.cpp lists them.
#pragma once

#include "cli/command.h"

namespace brig::cli {

int attach(Invocation& in);
int bootstrap(Invocation& in);
int build(Invocation& in);
int commit(Invocation& in);
int container_inspect(Invocation& in);
int container_prune(Invocation& in);
int copy(Invocation& in);
int create(Invocation& in);
int diff(Invocation& in);
int events(Invocation& in);
int exec(Invocation& in);
int export_container(Invocation& in);
int history(Invocation& in);
int image_inspect(Invocation& in);
int image_prune(Invocation& in);
int images(Invocation& in);
int import(Invocation& in);
int info(Invocation& in);
int inspect(Invocation& in);
int kill(Invocation& in);
int load(Invocation& in);
int login(Invocation& in);
int logout(Invocation& in);
int logs(Invocation& in);
int network_inspect(Invocation& in);
int network_list(Invocation& in);
int pause(Invocation& in);
int port(Invocation& in);
int ps(Invocation& in);
int pull(Invocation& in);
int push(Invocation& in);
int registry_gc(Invocation& in);
int registry_serve(Invocation& in);
int rename(Invocation& in);
int restart(Invocation& in);
int rm(Invocation& in);
int rmi(Invocation& in);
int run(Invocation& in);
int save(Invocation& in);
int start(Invocation& in);
int stats(Invocation& in);
int stop(Invocation& in);
int system_df(Invocation& in);
int system_prune(Invocation& in);
int system_setup(Invocation& in);
int tag(Invocation& in);
int top(Invocation& in);
int unpause(Invocation& in);
int update(Invocation& in);
int version_command(Invocation& in);
int volume_create(Invocation& in);
int volume_inspect(Invocation& in);
int volume_list(Invocation& in);
int volume_prune(Invocation& in);
int volume_rm(Invocation& in);
int wait(Invocation& in);

}  // namespace brig::cli
