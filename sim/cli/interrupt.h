// For commands that make many runs: the first interrupt lets no further run begin, and what is done is reported; the
// second ends the program, as the shell has it.
#pragma once

#include <atomic>

namespace dvt::sim::cli {

/// True once the user has interrupted, or somebody has said that it is enough.
extern std::atomic<bool> stop_requested;

/// From now on SIGINT and SIGTERM set it.
void stop_on_interrupt();

}  // namespace dvt::sim::cli
