// The virtual clock, passed to whoever needs it and never a global: two worlds live in one process.
#pragma once

#include "engine/base/time.h"

namespace dvt {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
};

}  // namespace dvt
