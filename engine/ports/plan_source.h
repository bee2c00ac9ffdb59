// Where workers fetch plan bytes from, by URI.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/base/function.h"
#include "engine/ports/state_store.h"

namespace dvt {

class PlanSource {
 public:
  virtual ~PlanSource() = default;
  /// `done` gets the bytes (valid during the call) or null when there is no such plan; exactly once, later.
  virtual void fetch(std::string_view uri, DrawKey key, InplaceFunction<void(const std::string*), 48> done) = 0;
};

}  // namespace dvt
