#include "engine/plan/contracts.h"

#include "engine/base/json.h"
#include "engine/plan/plan_json.h"

namespace dvt::engine {
namespace {

json::Value context_json(const RunIdentity& run, const std::string& adapter) {
  json::Object ctx;
  ctx.append("tenantId", run.tenant_id);
  ctx.append("projectId", run.project_id);
  ctx.append("environmentId", run.environment_id);
  ctx.append("runId", run.run_id_text);
  ctx.append("targetAdapter", adapter);
  return ctx;
}

void append(std::string& out, json::Object object) {
  out += json::write(json::Value(std::move(object)));
}

// Sizes of the above without rendering it; the numbers are the members' names and punctuation. 28 arguments a run are
// weighed, so this must cost nothing; escapes are not counted.
std::uint64_t context_bytes(const RunIdentity& run, const std::string& adapter) {
  return 78 + run.tenant_id.size() + run.project_id.size() + run.environment_id.size() + run.run_id_text.size() +
         adapter.size();
}

std::uint64_t ref_bytes(const PlanRef& ref) {
  return 90 + ref.uri.size() + ref.sha256.size() + ref.schema_version.size() + ref.plan_id.size() +
         ref.plan_version.size();
}

std::uint64_t step_bytes(const Step& step) {
  std::uint64_t bytes = 24 + step.step_id.size() + step.kind.size();
  if (step.depends_on) {
    bytes += 15;
    for (const std::string& dependency : *step.depends_on) bytes += 3 + dependency.size();
  }
  return bytes;
}

}  // namespace

void PlanRunInput::write_json(std::string& out) const {
  json::Object o;
  o.append("planRef", to_json(plan->ref));
  o.append("ctx", context_json(*run, target_adapter));
  o.append("continueAsNewAfterLayerCount", continue_as_new_after_layers);
  if (resume_from_layer > 0 || continued_count > 0) {
    o.append("resumeFromLayerIndex", resume_from_layer);
    o.append("continuedAsNewCount", continued_count);
  }
  if (!skip_steps.empty()) {
    json::Array skips;
    for (const std::string& step_id : skip_steps) skips.push_back(step_id);
    o.append("skipSteps", std::move(skips));
  }
  append(out, std::move(o));
}

std::uint64_t PlanRunInput::approximate_bytes() const {
  return 52 + ref_bytes(plan->ref) + context_bytes(*run, target_adapter) +
         (resume_from_layer > 0 || continued_count > 0 ? 50 : 0);
}

void PlanRunResult::write_json(std::string& out) const {
  json::Object o;
  o.append("runId", run->run_id_text);
  o.append("status", outcome == RunOutcome::completed   ? "COMPLETED"
                     : outcome == RunOutcome::cancelled ? "CANCELLED"
                                                        : "FAILED");
  o.append("continuedAsNewCount", continued_count);
  append(out, std::move(o));
}

void SaveRunMetadataInput::write_json(std::string& out) const {
  json::Object o;
  o.append("tenantId", run->tenant_id);
  o.append("projectId", run->project_id);
  o.append("environmentId", run->environment_id);
  o.append("runId", run->run_id_text);
  o.append("planId", plan->ref.plan_id);
  o.append("planVersion", plan->ref.plan_version);
  o.append("provider", "temporal");
  o.append("providerWorkflowId", run->run_id_text);
  o.append("providerRunId", run->run_id_text);
  append(out, std::move(o));
}

std::uint64_t SaveRunMetadataInput::approximate_bytes() const {
  return 165 + run->tenant_id.size() + run->project_id.size() + run->environment_id.size() +
         3 * run->run_id_text.size() + plan->ref.plan_id.size() + plan->ref.plan_version.size();
}

void EmitEventInput::write_json(std::string& out) const {
  json::Object o;
  o.append("ctx", context_json(*input->run, input->target_adapter));
  o.append("planRef", to_json(input->plan->ref));
  o.append("eventType", std::string(to_string(type)));
  if (subject != kNoStep) o.append("stepId", input->plan->plan.steps[subject.value].step_id);
  if (logical_attempt != 0) o.append("logicalAttemptId", logical_attempt);
  append(out, std::move(o));
}

std::uint64_t EmitEventInput::approximate_bytes() const {
  return 36 + context_bytes(*input->run, input->target_adapter) + ref_bytes(input->plan->ref) + to_string(type).size() +
         (subject == kNoStep ? 0 : 12 + input->plan->plan.steps[subject.value].step_id.size());
}

std::uint64_t FetchPlanInput::approximate_bytes() const {
  return ref_bytes(ref);
}

void FetchPlanInput::write_json(std::string& out) const {
  out += json::write(to_json(ref));
}

void ExecuteStepInput::write_json(std::string& out) const {
  json::Object o;
  o.append("step", to_json(plan->plan.steps[subject.value]));
  o.append("ctx", context_json(*input->run, input->target_adapter));
  append(out, std::move(o));
}

std::uint64_t ExecuteStepInput::approximate_bytes() const {
  return 16 + step_bytes(plan->plan.steps[subject.value]) + context_bytes(*input->run, input->target_adapter);
}

std::uint64_t StepResult::approximate_bytes() const {
  return 36 + plan->plan.steps[step.value].step_id.size() + (completed ? 0 : 8 + error.text().size());
}

void StepResult::write_json(std::string& out) const {
  json::Object o;
  o.append("stepId", plan->plan.steps[step.value].step_id);
  o.append("status", completed ? "COMPLETED" : "FAILED");
  if (!completed) o.append("error", std::string(error.text()));
  append(out, std::move(o));
}

void StepSignal::write_json(std::string& out) const {
  json::Object o;
  o.append("stepId", step_id);
  append(out, std::move(o));
}

void CancelSignal::write_json(std::string& out) const {
  out += json::write(json::Value(reason));
}

ErrorClass step_error_class(Symbol code, bool by_result) {
  const bool users =
      by_result || code == names::permanent_step_error || code == names::timeout_error || code.text() == "timeout";
  return users ? ErrorClass::user : ErrorClass::engine;
}

namespace names {
const Symbol run_plan_workflow = Symbol::intern("runPlanWorkflow");
const Symbol save_run_metadata = Symbol::intern("saveRunMetadata");
const Symbol emit_event = Symbol::intern("emitEvent");
const Symbol fetch_plan = Symbol::intern("fetchPlan");
const Symbol execute_step = Symbol::intern("executeStep");
const Symbol pause = Symbol::intern("pause");
const Symbol resume = Symbol::intern("resume");
const Symbol cancel = Symbol::intern("cancel");
const Symbol retry_step = Symbol::intern("retryStep");
const Symbol skip_step = Symbol::intern("skipStep");
const Symbol status = Symbol::intern("status");
const Symbol permanent_step_error = Symbol::intern("PermanentStepError");
const Symbol transient_step_error = Symbol::intern("transient_error");
const Symbol timeout_error = Symbol::intern("TimeoutError");
const Symbol plan_integrity = Symbol::intern("PLAN_INTEGRITY_VALIDATION_FAILED");
const Symbol plan_uri_not_allowed = Symbol::intern("PLAN_URI_NOT_ALLOWED");
const Symbol invalid_plan = Symbol::intern("INVALID_PLAN_SCHEMA");
const Symbol store_write_failed = Symbol::intern("STATESTORE_WRITE_FAILED");
}  // namespace names

}  // namespace dvt::engine
