// Progress on stderr: a bar on a terminal, a line per 10 % elsewhere. Never part of a result.
#pragma once

#include <chrono>

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

}  // namespace dvt::sim::cli
