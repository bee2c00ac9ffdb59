// Warehouses: where steps take their time (domain §11). Each has a concurrency and a first-come queue; a step's
// duration and errors are drawn by (run, step, attempt), so a slower warehouse or another policy meets the same draws.
//
// Faults it may suffer: a latency factor on what begins while it lasts, and an outage during which submissions fail
// with a retryable `warehouse_unavailable`; what runs goes on; errors on a share of what ends; fewer places. All are
// survivable: nothing is forgotten, every submission is answered.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "engine/base/distribution.h"
#include "engine/ports/fault_point.h"
#include "engine/ports/random.h"
#include "engine/ports/step_executor.h"
#include "engine/ports/telemetry.h"
#include "engine/ports/timers.h"

namespace dvt::adapters {

/// Per attempt: `rate` of all attempts fail; of those a share is permanent; the rest gets a code by weight. All shares
/// are parts per billion.
struct ErrorModel {
  std::int64_t rate_ppb = 0;
  std::int64_t permanent_ppb = 0;
  std::vector<std::pair<std::string_view, std::int64_t>> codes;  // static names
};

/// How one step of one plan behaves.
struct StepProfile {
  std::uint32_t warehouse = 0;
  Distribution duration;
  bool recorded_failure =
      false;  // an imported project's step that failed: fails the same way, unless it is retried (user error)
};

struct WarehouseOptions {
  std::string name;
  std::uint32_t concurrency = 1;
  ErrorModel errors;
};

class Warehouses final : public StepExecutor {
 public:
  Warehouses(Timers& timers, const Random& random, Telemetry& telemetry, std::vector<WarehouseOptions> warehouses);

  /// Profiles by step of a plan; plans in ordinal order.
  void add_plan(std::vector<StepProfile> steps) { plans_.push_back(std::move(steps)); }

  void submit(const StepRequest& request, StepDone done) override;

  void set_scale(std::uint32_t warehouse, const LatencyScale* scale) { warehouses_[warehouse].scale = scale; }
  void set_outage(std::uint32_t warehouse, bool on) { warehouses_[warehouse].outage = on; }
  /// This share of the statements that end meanwhile fails with a retryable transient_error, in parts per billion.
  void set_failing(std::uint32_t warehouse, std::int64_t ppb) { warehouses_[warehouse].failing_ppb = ppb; }
  /// It runs at most so many statements at once; what runs goes on. 0: as many as it is made for.
  void set_places(std::uint32_t warehouse, std::uint32_t places_left);
  std::uint32_t concurrency(std::uint32_t warehouse) const { return warehouses_[warehouse].options.concurrency; }
  std::size_t queued(std::uint32_t warehouse) const { return warehouses_[warehouse].queue.size(); }
  std::uint32_t running(std::uint32_t warehouse) const { return warehouses_[warehouse].running; }
  std::size_t count() const { return warehouses_.size(); }

 private:
  struct Job {
    StepRequest request;
    StepDone done;
    Instant submitted_at;
    Instant began_at;
  };
  struct Warehouse {
    WarehouseOptions options;
    std::uint32_t running = 0;
    std::deque<Job> queue;
    const LatencyScale* scale = nullptr;
    bool outage = false;
    std::int64_t failing_ppb = 0;
    std::uint32_t throttled_to = 0;  // 0: it is not
  };

  static std::uint32_t places(const Warehouse& warehouse);

  void begin(std::uint32_t warehouse, Job job);
  StepAnswer judge(const Warehouse& warehouse, const StepRequest& request, const StepProfile& profile) const;
  void level(std::uint32_t warehouse);

  Timers& timers_;
  const Random& random_;
  Telemetry& telemetry_;
  std::vector<Warehouse> warehouses_;
  std::vector<std::vector<StepProfile>> plans_;
};

}  // namespace dvt::adapters
