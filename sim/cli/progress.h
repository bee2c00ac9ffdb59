// Progress on stderr: a bar on a terminal, a line per 10 % elsewhere. Never part of a result.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

#include "engine/base/time.h"

namespace dvt::sim::cli {

class Progress {
 public:
  explicit Progress(bool enabled);
  ~Progress();
  void update(Instant now, Instant end);

 private:
  void clear();
  bool enabled_;
  bool terminal_;
  int last_tenth_ = 0;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point next_{};
};

/// For commands that make many runs: a line per tenth of them, `12 <of> 80 runs`; empty when not `enabled`.
std::function<void(std::size_t done, std::size_t all)> progress_of_runs(bool enabled, std::string of);

}  // namespace dvt::sim::cli
