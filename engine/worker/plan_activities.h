// The four activities of the plan workflow (domain §6) as workers run them: thin translations to the StateStore client,
// the plan source and the step executor.
#pragma once

#include "engine/plan/contracts.h"
#include "engine/plan/plan_ref.h"
#include "engine/ports/fault_point.h"
#include "engine/ports/plan_source.h"
#include "engine/ports/random.h"
#include "engine/ports/step_executor.h"
#include "engine/worker/event_spool.h"
#include "engine/worker/worker.h"

namespace dvt::engine {

/// Makes the stored event of a run: id, key and times. One maker for the API, the activities and the adapters.
class EventMaker {
 public:
  EventMaker(const Clock& clock, const Random& random) : clock_(clock), random_(random) {}
  /// `activity` and `source` (see ActivityInvocation) name the event id's draw: the same activity makes the same id on
  /// every attempt.
  NewEvent make(const RunIdentity& run, const PlanEntry& plan, EventType type, StepIndex step,
                std::uint32_t logical_attempt, std::uint32_t engine_attempt, std::uint32_t activity,
                std::uint64_t source = 0) const;

 private:
  const Clock& clock_;
  const Random& random_;
};

class SaveRunMetadataActivity final : public Activity {
 public:
  explicit SaveRunMetadataActivity(StoreClient& store) : store_(store) {}
  void start(const ActivityInvocation& invocation, ActivityDone done) override;

 private:
  StoreClient& store_;
};

class EmitEventActivity final : public Activity {
 public:
  /// `spool`: where events that fail open wait; null: none does.
  EmitEventActivity(StoreClient& store, EventMaker maker, Telemetry& telemetry, const Clock& clock,
                    EventSpool* spool = nullptr)
      : store_(store), maker_(maker), telemetry_(telemetry), clock_(clock), spool_(spool) {}
  void start(const ActivityInvocation& invocation, ActivityDone done) override;
  /// Null: every worker's clock is right. Not owned.
  void set_clocks(const WorkerClocks* clocks) { clocks_ = clocks; }

 private:
  const WorkerClocks* clocks_ = nullptr;
  StoreClient& store_;
  EventMaker maker_;
  Telemetry& telemetry_;
  const Clock& clock_;
  EventSpool* spool_;
};

class FetchPlanActivity final : public Activity {
 public:
  FetchPlanActivity(PlanSource& source, const PlanCatalogue& catalogue) : source_(source), catalogue_(catalogue) {}
  void start(const ActivityInvocation& invocation, ActivityDone done) override;

 private:
  PlanSource& source_;
  const PlanCatalogue& catalogue_;
  UriPolicy policy_;
};

class ExecuteStepActivity final : public Activity {
 public:
  explicit ExecuteStepActivity(StepExecutor& executor) : executor_(executor) {}
  void start(const ActivityInvocation& invocation, ActivityDone done) override;

 private:
  StepExecutor& executor_;
};

}  // namespace dvt::engine
