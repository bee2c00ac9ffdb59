// The plan store that workers fetch from: the catalogue behind a latency.
#pragma once

#include "engine/base/distribution.h"
#include "engine/plan/catalogue.h"
#include "engine/ports/plan_source.h"
#include "engine/ports/random.h"
#include "engine/ports/timers.h"

namespace dvt::sim {

class PlanFetcher final : public PlanSource {
 public:
  PlanFetcher(Timers& timers, const Random& random, const engine::PlanCatalogue& plans, Distribution latency)
      : timers_(timers), random_(random), plans_(plans), latency_(std::move(latency)) {}

  void fetch(std::string_view uri, DrawKey key, InplaceFunction<void(const std::string*), 48> done) override {
    const engine::PlanEntryRef entry = plans_.find(uri);
    Draws draws(random_, Purpose::plan_fetch, key.a, key.b, key.c);
    const Duration took = latency_.sample(draws);
    struct Fetch {
      engine::PlanEntryRef entry;
      InplaceFunction<void(const std::string*), 48> done;
    };
    auto held = std::make_unique<Fetch>(Fetch{entry, std::move(done)});
    timers_.call_after(took, [fetch_held = std::move(held)] {
      fetch_held->done(fetch_held->entry != nullptr ? &fetch_held->entry->bytes : nullptr);
    });
  }

 private:
  Timers& timers_;
  const Random& random_;
  const engine::PlanCatalogue& plans_;
  Distribution latency_;
};

}  // namespace dvt::sim
