#include "engine/workflow/registry.h"

#include "engine/workflow/examples/order_saga.h"
#include "engine/workflow/recorded_execution.h"

namespace dvt::engine {

const std::vector<RegisteredWorkflow>& registered_workflows() {
  static const std::vector<RegisteredWorkflow> kAll{
      {"order-saga", {"reserveStock", "chargeCard", "shipOrder", "refundCard", "releaseStock"}, examples::order_saga},
      {"recorded-execution", {}, recorded_execution, {{kRecordedChild, recorded_child}}, read_recorded_script},
  };
  return kAll;
}

const RegisteredWorkflow* find_workflow(std::string_view name) {
  for (const RegisteredWorkflow& workflow : registered_workflows())
    if (workflow.name == name) return &workflow;
  return nullptr;
}

Result<Payload, std::vector<std::string>> RegisteredWorkflow::input(std::string_view text) const {
  if (read_input == nullptr) return make_payload<JsonPayload>(std::string(text));
  const auto parsed = json::parse(text);
  if (!parsed.has_value()) return failure(std::vector<std::string>{"no JSON: " + parsed.error().message});
  return read_input(parsed.value());
}

void RegisteredRunInput::write_json(std::string& out) const {
  out += "{\"run\":";
  run->write_json(out);
  out += ",\"input\":";
  if (input == nullptr) {
    out += "null";
  } else {
    input->write_json(out);
  }
  out += '}';
}

namespace {

Payload envelope(WorkflowContext& ctx, const RegisteredWorkflow& workflow, const ActivityOptionsRef& activities,
                 const ActivityOptionsRef& control, const RegisteredRunInput& input) {
  const auto emit = [&](EventType type) {
    ctx.execute_activity(names::emit_event, control, make_payload<EmitEventInput>(input.run, type, kNoStep, 0u));
  };
  const PlanRunInput& run = *input.run;
  if (run.continued_count == 0) emit(EventType::run_started);
  try {
    workflow.function(ctx, activities, input.input);
  } catch (const FailureError& error) {
    emit(EventType::run_failed);
    const Symbol type = error.failure()->type ? error.failure()->type : Symbol::intern("WORKFLOW_FAILED");
    return make_payload<PlanRunResult>(run.run, RunOutcome::failed, ErrorClass::user, type, run.continued_count);
  } catch (const CancelledFailure&) {
    ctx.non_cancellable([&] { emit(EventType::run_cancelled); });
    throw;
  } catch (const ContinueAsNewThrown& thrown) {
    auto next =
        std::make_shared<const PlanRunInput>(run.run, run.plan, run.target_adapter, 0u, 0u, run.continued_count + 1);
    ctx.continue_as_new(make_payload<RegisteredRunInput>(std::move(next), thrown.input), thrown.where);
  }
  emit(EventType::run_completed);
  return make_payload<PlanRunResult>(run.run, RunOutcome::completed, ErrorClass::none, Symbol{}, run.continued_count);
}

}  // namespace

WorkflowFunction registered_run(const RegisteredWorkflow& workflow, ActivityOptionsRef activities,
                                ActivityOptionsRef control) {
  return [workflow, activities = std::move(activities), control = std::move(control)](WorkflowContext& ctx,
                                                                                      const Payload& input) {
    return envelope(ctx, workflow, activities, control, payload_as<RegisteredRunInput>(input));
  };
}

}  // namespace dvt::engine
