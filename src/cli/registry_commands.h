// The commands that look into registries and change what is there; the rest is in commands.h.
#pragma once

#include "cli/commands.h"

namespace brig::cli {

int image_convert(Invocation& in);
int manifest_annotate(Invocation& in);
int manifest_create(Invocation& in);
int manifest_inspect(Invocation& in);
int manifest_push(Invocation& in);
int manifest_remove(Invocation& in);
int registry_list(Invocation& in);
int registry_remove(Invocation& in);
int search(Invocation& in);

}  // namespace brig::cli
