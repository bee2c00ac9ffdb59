// The runbook actions of a scenario's operations (`action: throttle` …): one small function each, on the parts of the
// world that they take hold of. Each acts at once; nothing is written for a run that an operator ends.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/api/front.h"
#include "engine/ports/provider_adapter.h"
#include "engine/service/service.h"
#include "sim/fault/store_model.h"
#include "sim/scenario/scenario.h"
#include "sim/world/control_faults.h"
#include "sim/world/reader_faults.h"

namespace dvt::sim {

/// The activity options of every plan's steps, answered to workflow code on every worker. An operator may change the
/// start-to-close timeout of a kind: attempts that are scheduled already keep theirs.
class StepOptionsTable {
 public:
  /// By plan and step: the step's kind, its size, its options.
  struct Entry {
    std::string kind;
    std::string_view size;
    engine::ActivityOptionsRef options;
  };
  /// Plans in the order of their ordinals.
  void add_plan(std::vector<Entry> steps) { plans_.push_back(std::move(steps)); }
  engine::ActivityOptionsRef at(PlanOrdinal plan, StepIndex step) const {
    return plans_[plan.value][step.value].options;
  }
  /// `kind`: a kind of steps, or kind/size.
  void set_start_to_close(std::string_view kind, Duration start_to_close);

 private:
  std::vector<std::vector<Entry>> plans_;
};

class OperatorActions {
 public:
  OperatorActions(engine::ApiFront& api, ProviderAdapter& adapter, engine::Service& service, StepOptionsTable& steps,
                  ReaderFaults& readers, ControlFaults& control, StoreModel& store)
      : api_(api),
        adapter_(adapter),
        service_(service),
        steps_(steps),
        readers_(readers),
        control_(control),
        store_(store) {}

  /// Null: there is none to heal faults of. Not owned.
  void set_faults(FaultPlan* faults) { faults_ = faults; }

  /// Actions with a `select`: act_on() is called for each run, instead of act().
  static bool takes_runs(OperatorAction action);
  void act(const Operation& operation);
  void act_on(const Operation& operation, RunOrdinal run);

 private:
  void throttle(Rate rate);
  void set_timeout(const std::string& kind, Duration start_to_close);
  void terminate(RunOrdinal run, const std::string& reason);
  void force_timeout(RunOrdinal run, const std::string& reason);

  engine::ApiFront& api_;
  ProviderAdapter& adapter_;
  engine::Service& service_;
  StepOptionsTable& steps_;
  ReaderFaults& readers_;
  ControlFaults& control_;
  StoreModel& store_;
  FaultPlan* faults_ = nullptr;
};

}  // namespace dvt::sim
