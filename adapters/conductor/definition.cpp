#include "adapters/conductor/definition.h"

namespace dvt::adapters {

WorkflowDefinition compile(engine::PlanEntryRef plan) {
  WorkflowDefinition definition;
  definition.plan = std::move(plan);
  auto& stages = definition.stages;
  stages = {{StageKind::save_metadata}, {StageKind::run_started}, {StageKind::fetch_plan}};
  for (std::uint32_t layer = 0; layer < definition.plan->layers.size(); ++layer)
    for (const StageKind kind : {StageKind::gate, StageKind::announce, StageKind::fork, StageKind::record})
      stages.push_back({kind, layer});
  stages.push_back({StageKind::last_gate});
  stages.push_back({StageKind::run_completed});
  return definition;
}

}  // namespace dvt::adapters
