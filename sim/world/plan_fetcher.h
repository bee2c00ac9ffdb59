// The plan store that workers fetch from: the catalogue behind a latency, and what befalls it (target plans).
#pragma once

#include <memory>
#include <string>

#include "engine/base/distribution.h"
#include "engine/plan/catalogue.h"
#include "engine/ports/fault_point.h"
#include "engine/ports/plan_source.h"
#include "engine/ports/random.h"
#include "engine/ports/timers.h"

namespace dvt::sim {

/// What fetches meet at the instant at which they are answered.
struct PlanFaults {
  bool away = false;             // nothing is found
  bool altered = false;          // a bit of the bytes is flipped
  std::int64_t failing_ppb = 0;  // of the fetches: nothing is found
  const LatencyScale* latency = nullptr;
};

class PlanFetcher final : public PlanSource {
 public:
  PlanFetcher(Timers& timers, const Random& random, const engine::PlanCatalogue& plans, Distribution latency)
      : timers_(timers), random_(random), plans_(plans), latency_(std::move(latency)) {}

  void set_faults(const PlanFaults& faults) { faults_ = faults; }

  void fetch(std::string_view uri, DrawKey key, InplaceFunction<void(const std::string*), 48> done) override {
    Draws draws(random_, Purpose::plan_fetch, key.a, key.b, key.c);
    Duration took = latency_.sample(draws);
    if (faults_.latency != nullptr) took = faults_.latency->scaled(took, key);
    auto held = std::make_unique<Fetch>(Fetch{plans_.find(uri), key, std::move(done)});
    timers_.call_after(took, [this, fetch_held = std::move(held)] { answer(*fetch_held); });
  }

 private:
  struct Fetch {
    engine::PlanEntryRef entry;
    DrawKey key;
    InplaceFunction<void(const std::string*), 48> done;
  };

  void answer(Fetch& fetch) const {
    std::uint64_t words[4] = {};
    if (faults_.failing_ppb > 0 || faults_.altered)
      random_.words(Purpose::call_fault, fetch.key.a, fetch.key.b, fetch.key.c, 1, words);
    const bool nothing =
        faults_.away || fetch.entry == nullptr || (faults_.failing_ppb > 0 && strikes(words[0], faults_.failing_ppb));
    if (nothing) return fetch.done(nullptr);
    if (!faults_.altered) return fetch.done(&fetch.entry->bytes);
    std::string bytes = fetch.entry->bytes;
    bytes[words[1] % bytes.size()] = static_cast<char>(bytes[words[1] % bytes.size()] ^ (1 << (words[2] % 8)));
    fetch.done(&bytes);
  }

  Timers& timers_;
  const Random& random_;
  const engine::PlanCatalogue& plans_;
  Distribution latency_;
  PlanFaults faults_;
};

}  // namespace dvt::sim
