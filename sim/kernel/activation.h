// Activation: while one lives, failing assertions on this thread describe its kernel (virtual time and fiber).
#pragma once

#include "sim/kernel/kernel.h"

namespace dvt::sim {

class Kernel::Activation {
 public:
  explicit Activation(const Kernel& kernel);
  ~Activation();
  Activation(const Activation&) = delete;
  Activation& operator=(const Activation&) = delete;
  /// Registers the description with DVT_ASSERT; once is enough.
  static void install();

 private:
  const Kernel* previous_;
};

}  // namespace dvt::sim
