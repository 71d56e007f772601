// brig: the command line.
#include <unistd.h>

#include "cli/main.h"

int main(int argc, char** argv) {
    // Everything has been flushed and restored by then; tearing down takes time that runs have not.
    ::_exit(brig::cli::main({argv + 1, argv + argc}));
}
