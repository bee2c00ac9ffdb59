#include "sim/cli/interrupt.h"

#include <csignal>

namespace dvt::sim::cli {

std::atomic<bool> stop_requested{false};

namespace {
void on_interrupt(int signal) {
  if (stop_requested.exchange(true)) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
}
}  // namespace

void stop_on_interrupt() {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
}

}  // namespace dvt::sim::cli
