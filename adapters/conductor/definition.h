// A plan as Conductor takes it: a fixed list of stages, registered before the first run (the server has no dynamic
// fork, domain §10). The stages issue the tasks of the production interpreter in its order (domain §6), so that the
// same plan leaves the same events whichever engine runs it.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/plan/catalogue.h"

namespace dvt::adapters {

enum class StageKind : std::uint8_t {
  save_metadata,  // task saveRunMetadata
  run_started,    // task emitEvent(RunStarted)
  fetch_plan,     // task fetchPlan
  gate,           // a paused run stands here
  announce,       // emitEvent(StepStarted) for each step of the layer, one after the other
  fork,           // executeStep for each step of the layer at once, joined when all have ended
  record,         // emitEvent(StepCompleted) in declaration order, or StepFailed and RunFailed
  last_gate,      // only a pause that has been told holds the end of a run back
  run_completed,  // task emitEvent(RunCompleted)
};

struct Stage {
  StageKind kind = StageKind::gate;
  std::uint32_t layer = 0;  // gate, announce, fork, record
};

struct WorkflowDefinition {
  engine::PlanEntryRef plan;
  std::vector<Stage> stages;
  const std::vector<StepIndex>& steps(const Stage& stage) const { return plan->layers[stage.layer]; }
};

WorkflowDefinition compile(engine::PlanEntryRef plan);

}  // namespace dvt::adapters
