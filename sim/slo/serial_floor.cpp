#include "sim/slo/serial_floor.h"

namespace dvt::sim {

Duration mean_control_activity(const Scenario& scenario) {
  const Topology& topology = scenario.topology;
  return topology.adapter.rpc_latency.build().mean() * 4 + topology.interpreter.task_latency.build().mean() +
         topology.state_store.write_latency.build().mean();
}

std::vector<SerialFloor> serial_floors(const Scenario& scenario, const std::vector<MeasuredPlan>& plans,
                                       Duration threshold) {
  std::vector<SerialFloor> out;
  if (scenario.topology.adapter.kind != AdapterKind::temporal ||
      scenario.topology.interpreter.kind != InterpreterKind::layers || scenario.known_faults.fixed(10)) {
    return out;
  }
  const Duration one = mean_control_activity(scenario);
  for (const MeasuredPlan& plan : plans) {
    const std::uint64_t activities = 2 * plan.steps + 4;
    const Duration floor = one * static_cast<std::int64_t>(activities);
    if (floor > threshold) out.push_back({plan.plan_id, plan.steps, activities, floor});
  }
  return out;
}

}  // namespace dvt::sim
