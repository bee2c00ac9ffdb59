#include "sim/world/workflow_plans.h"

#include "engine/base/format.h"
#include "engine/workflow/registry.h"
#include "sim/scenario/reading.h"

namespace dvt::sim {
namespace {

constexpr std::string_view kActivityKind = "custom";

}  // namespace

std::vector<Diagnostic> check_workflows(const Scenario& scenario) {
  std::vector<Diagnostic> wrong;
  for (const PlanSpec& spec : scenario.workload.plans) {
    const auto* body = std::get_if<WorkflowPlan>(&spec.body);
    if (body == nullptr) continue;
    const auto add = [&](const char* key, std::string message) {
      Diagnostic diagnostic;
      diagnostic.file = scenario.file_name;
      diagnostic.line = spec.source.line;
      diagnostic.column = spec.source.column;
      diagnostic.path = fmt::format("workload.plans.{}{}", spec.name, key);
      diagnostic.message = std::move(message);
      wrong.push_back(std::move(diagnostic));
    };
    if (engine::find_workflow(body->workflow) == nullptr) {
      std::vector<std::string_view> known;
      for (const engine::RegisteredWorkflow& workflow : engine::registered_workflows()) known.push_back(workflow.name);
      add(".workflow", fmt::format("no workflow \"{}\" is registered{}", body->workflow,
                                   Reading::suggestion(body->workflow, known)));
      continue;
    }
    const auto input = engine::find_workflow(body->workflow)->input(body->input.text);
    if (!input.has_value())
      for (const std::string& error : input.error()) add(".input", error);
    if (scenario.topology.adapter.kind != AdapterKind::temporal)
      add("", "only topology.adapter.kind: temporal runs workflows");
    if (scenario.warehouse_for(std::string(kActivityKind)) == nullptr)
      add("", fmt::format("no warehouse has the kind {}, which executes a workflow's activities", kActivityKind));
  }
  return wrong;
}

engine::AnnotatedPlan plan_of_workflow(const PlanSpec& spec) {
  const engine::RegisteredWorkflow* workflow = engine::find_workflow(std::get<WorkflowPlan>(spec.body).workflow);
  if (workflow == nullptr) throw Error("plan '" + spec.name + "': no such workflow is registered");
  engine::AnnotatedPlan out;
  out.plan.metadata.plan_id = spec.name;
  out.plan.metadata.plan_version = "1";
  for (const std::string_view activity : workflow->activities) {
    out.plan.steps.push_back({std::string(activity), std::string(kActivityKind), std::nullopt});
    out.notes.emplace_back();
  }
  return out;
}

engine::Payload workflow_input(const PlanSpec& spec) {
  const auto& body = std::get<WorkflowPlan>(spec.body);
  auto input = engine::find_workflow(body.workflow)->input(body.input.text);
  if (!input.has_value()) throw Error("plan '" + spec.name + "': input: " + input.error().front());
  return std::move(input.value());
}

}  // namespace dvt::sim
