// The command line as a function.
#pragma once

#include <string>
#include <vector>

namespace brig::cli {

/// Runs `brig ARGUMENTS…` and returns its exit code. Does not throw.
int main(const std::vector<std::string>& arguments);

}  // namespace brig::cli
