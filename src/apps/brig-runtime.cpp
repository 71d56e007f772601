// An OCI runtime with runc's command line.
#include "runtime/cli/command_line.h"

int main(int argc, char** argv) { return brig::runtime::command_line(argc, argv); }
