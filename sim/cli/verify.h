// run --verify: the same run in two processes, whose facts are compared as they happen (design §3).
#pragma once

#include <string>
#include <vector>

namespace dvt::sim::cli {

/// Runs this program twice with `arguments` plus a digest stream; the first child's stdout is ours, the second's is
/// thrown away. Returns the first child's exit code when both did the same, and 5 after naming the first difference on
/// stderr.
int verify_in_two_processes(const std::vector<std::string>& arguments);

}  // namespace dvt::sim::cli
