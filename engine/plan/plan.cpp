// The plan's rules. Everything wrong is collected, because a plan is mended in one go or not at all.
#include "engine/plan/plan.h"

#include "engine/base/format.h"

#include <cstddef>
#include <set>

#include "engine/base/assert.h"
#include "engine/plan/layers.h"

namespace dvt::engine {

std::string_view to_string(TargetAdapter adapter) {
  switch (adapter) {
    case TargetAdapter::any:
      return "any";
    case TargetAdapter::temporal:
      return "temporal";
    case TargetAdapter::conductor:
      return "conductor";
    case TargetAdapter::mock:
      return "mock";
  }
  DVT_ASSERT(false, "unknown TargetAdapter");
}

std::string_view to_string(FallbackBehavior behavior) {
  switch (behavior) {
    case FallbackBehavior::reject:
      return "reject";
    case FallbackBehavior::emulate:
      return "emulate";
    case FallbackBehavior::degrade:
      return "degrade";
  }
  DVT_ASSERT(false, "unknown FallbackBehavior");
}

std::string PlanError::text() const {
  switch (code) {
    case PlanErrorCode::duplicate_step_id:
      return "INVALID_PLAN_SCHEMA: duplicate_step_id:" + subject;
    case PlanErrorCode::unknown_dependency:
      return "INVALID_PLAN_SCHEMA: unknown_dependency:" + subject + "->" + dependency;
    case PlanErrorCode::self_dependency:
      return "INVALID_PLAN_SCHEMA: self_dependency:" + subject;
    case PlanErrorCode::cyclic_dependencies:
      return "INVALID_PLAN_SCHEMA: cyclic_dependencies_detected";
    case PlanErrorCode::invalid_dependency_value:
      return "INVALID_PLAN_SCHEMA: invalid_dependency_value:" + subject;
    case PlanErrorCode::step_field_not_allowed:
      return "INVALID_STEP_SCHEMA: field_not_allowed:" + subject;
    case PlanErrorCode::invalid_identifier:
      return "INVALID_PLAN_SCHEMA: invalid_identifier:" + subject;
    case PlanErrorCode::malformed_json:
      return "INVALID_PLAN_SCHEMA: malformed_json:" + subject;
    case PlanErrorCode::missing_field:
      return "INVALID_PLAN_SCHEMA: missing_field:" + subject;
    case PlanErrorCode::invalid_field:
      return "INVALID_PLAN_SCHEMA: invalid_field:" + subject;
  }
  DVT_ASSERT(false, "unknown PlanErrorCode");
}

namespace {

bool is_identifier(std::string_view text) {
  return !text.empty() && text.find('|') == std::string_view::npos;
}

}  // namespace

std::vector<PlanError> validate(const Plan& plan) {
  std::vector<PlanError> errors;
  const auto report = [&errors](PlanErrorCode code, std::string subject, std::string where,
                                std::string dependency = {}) {
    errors.push_back({code, std::move(subject), std::move(dependency), std::move(where)});
  };

  if (!is_identifier(plan.metadata.plan_id)) report(PlanErrorCode::invalid_identifier, "metadata.planId", "metadata");
  if (!is_identifier(plan.metadata.plan_version))
    report(PlanErrorCode::invalid_identifier, "metadata.planVersion", "metadata");

  std::set<std::string_view> ids;
  std::set<std::string_view> reported;
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const Step& step = plan.steps[i];
    const std::string where = fmt::format("steps[{}]", i);
    if (!is_identifier(step.step_id)) report(PlanErrorCode::invalid_identifier, where + ".stepId", where);
    if (step.kind.empty()) report(PlanErrorCode::invalid_field, where + ".kind", where);
    if (!step.step_id.empty() && !ids.insert(step.step_id).second && reported.insert(step.step_id).second)
      report(PlanErrorCode::duplicate_step_id, step.step_id, where);
  }

  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const Step& step = plan.steps[i];
    if (!step.depends_on) continue;
    const std::string where = fmt::format("steps[{}].dependsOn", i);
    std::set<std::string_view> seen;
    for (const std::string& dependency : *step.depends_on) {
      if (!seen.insert(dependency).second) continue;
      if (dependency.empty())
        report(PlanErrorCode::invalid_dependency_value, step.step_id, where);
      else if (dependency == step.step_id)
        report(PlanErrorCode::self_dependency, step.step_id, where);
      else if (!ids.contains(dependency))
        report(PlanErrorCode::unknown_dependency, step.step_id, where, dependency);
    }
  }

  // dependencies() leaves out what was reported above, so a cycle is reported only where there is one.
  std::size_t placed = 0;
  for (const auto& layer : frontiers(dependencies(plan))) placed += layer.size();
  if (placed != plan.steps.size()) report(PlanErrorCode::cyclic_dependencies, "", "steps");
  return errors;
}

std::optional<StepIndex> find_step(const Plan& plan, std::string_view step_id) {
  for (std::size_t i = 0; i < plan.steps.size(); ++i)
    if (plan.steps[i].step_id == step_id) return StepIndex{static_cast<std::uint32_t>(i)};
  return std::nullopt;
}

}  // namespace dvt::engine
