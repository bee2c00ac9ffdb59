// Workflows that a scenario can run instead of a plan: `workload.plans.NAME: {workflow: order-saga, input: {…}}`.
//
// To add one: write its function (see examples/order_saga.h), and name it in registry.cpp with the activities it calls.
// A run of it appears in the StateStore as RunQueued, RunStarted and RunCompleted, RunFailed or RunCancelled, written
// through emitEvent activities around the function (registered_run), so that projection and objectives stay true; it
// has no step events. Its activities are executed where steps are: by the warehouse for kind `custom`, as a step named
// like the activity, with that warehouse's durations, capacity and errors.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/plan/contracts.h"
#include "engine/workflow/context.h"

namespace dvt::engine {

struct RegisteredWorkflow {
  std::string_view name;                     // also the workflow type
  std::vector<std::string_view> activities;  // their types
  using Function = Payload (*)(WorkflowContext& ctx, const ActivityOptionsRef& options, const Payload& input);
  Function function = nullptr;
  /// Types of workflows that it starts as its children.
  std::vector<std::pair<std::string_view, Function>> children = {};
  /// Makes the workflow's input of what the scenario says; the errors say what is wrong with that. Null: the JSON text
  /// is the input (JsonPayload).
  Result<Payload, std::vector<std::string>> (*read_input)(const json::Value& input) = nullptr;

  /// `text` is JSON.
  Result<Payload, std::vector<std::string>> input(std::string_view text) const;
};

/// By name, in alphabetical order.
const std::vector<RegisteredWorkflow>& registered_workflows();
/// Null when there is none of that name.
const RegisteredWorkflow* find_workflow(std::string_view name);

/// The input of a registered workflow's execution: {run: {planRef, ctx, …}, input}.
class RegisteredRunInput final : public PayloadBody {
 public:
  RegisteredRunInput(std::shared_ptr<const PlanRunInput> run_, Payload input_)
      : run(std::move(run_)), input(std::move(input_)) {}
  void write_json(std::string& out) const override;
  const std::shared_ptr<const PlanRunInput> run;
  const Payload input;  // the workflow's own
};

/// The workflow function to register: emits the run's events around `workflow`, whose activities get `activities` and
/// the emitEvent ones `control`. A failure of the workflow is the user's; a cancel leaves RunCancelled behind, unlike
/// that of a plan (known fault 1).
WorkflowFunction registered_run(const RegisteredWorkflow& workflow, ActivityOptionsRef activities,
                                ActivityOptionsRef control);

}  // namespace dvt::engine
