// Inline and synthetic plans: the plan model's own rules, and whether some warehouse can run every step. Plans of
// files, dbt projects and workflows are checked when they are resolved.
#include "engine/base/format.h"

#include <charconv>
#include <map>
#include <set>

#include "engine/plan/plan.h"
#include "sim/scenario/validate.h"

namespace dvt::sim {
namespace {

// The index in "steps[12]…"; nullopt for anything else.
std::optional<std::size_t> step_index(std::string_view where) {
  constexpr std::string_view kPrefix = "steps[";
  if (!where.starts_with(kPrefix)) return std::nullopt;
  where.remove_prefix(kPrefix.size());
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(where.data(), where.data() + where.size(), index);
  if (error != std::errc{} || end == where.data()) return std::nullopt;
  return index;
}

engine::Plan to_plan(const PlanSpec& spec, const InlinePlan& body) {
  engine::Plan plan;
  plan.metadata = spec.metadata();
  for (const PlanStep& step : body.steps) plan.steps.push_back({step.step_id, step.kind, step.depends_on});
  return plan;
}

// Steps that lie on a cycle, or behind one, named so that a person finds them.
std::string cycle_members(const InlinePlan& body) {
  std::map<std::string_view, std::set<std::string_view>> waiting;
  for (const PlanStep& step : body.steps) {
    auto& needs = waiting[step.step_id];
    if (step.depends_on) needs.insert(step.depends_on->begin(), step.depends_on->end());
  }
  for (bool progress = true; progress;) {
    progress = false;
    std::vector<std::string_view> done;
    for (const auto& [id, needs] : waiting) {
      if (needs.empty()) done.push_back(id);
    }
    for (std::string_view id : done) {
      progress = true;
      waiting.erase(id);
      for (auto& [other, needs] : waiting) needs.erase(id);
    }
  }
  std::string names;
  std::size_t shown = 0;
  for (const auto& [id, needs] : waiting) {
    if (++shown > 10) return names + ", …";
    names += (names.empty() ? "" : ", ") + std::string(id);
  }
  return names;
}

constexpr std::size_t kMaxNamedCycle = 2'000;

void check_model(const PlanSpec& spec, const InlinePlan& body, const Node& root, Reading& reading) {
  for (const PlanStep& step : body.steps) {
    if (step.step_id.empty() || step.kind.empty()) return;  // reported when it was read
  }
  std::vector<std::string_view> ids;
  for (const PlanStep& step : body.steps) ids.push_back(step.step_id);
  for (const engine::PlanError& error : engine::validate(to_plan(spec, body))) {
    std::string text = error.text();
    const auto index = step_index(error.where);
    if (error.code == engine::PlanErrorCode::unknown_dependency) text += Reading::suggestion(error.dependency, ids);
    if (error.code == engine::PlanErrorCode::cyclic_dependencies && body.steps.size() <= kMaxNamedCycle)
      text += " (among " + cycle_members(body) + ")";
    if (index) {
      error_at(reading, root, {"workload", "plans", spec.name, "steps", std::to_string(*index)}, text);
    } else {
      error_at(reading, root, {"workload", "plans", spec.name, "steps"}, text);
    }
  }
}

// True when the kind and the size can be run.
bool check_runs(const Scenario& scenario, std::string_view kind, std::string_view size,
                std::string_view materialization, std::string& message) {
  const WarehouseSpec* warehouse = scenario.warehouse_for(kind);
  if (warehouse == nullptr) {
    std::vector<std::string_view> known;
    for (const WarehouseSpec& entry : scenario.warehouses)
      known.insert(known.end(), entry.kinds.begin(), entry.kinds.end());
    message = fmt::format("no warehouse runs kind \"{}\"{}", kind, Reading::suggestion(kind, known));
    return false;
  }
  if (warehouse->duration_for(kind, size, materialization) != nullptr) return true;
  message = fmt::format("warehouse {} has no duration for {}/{}", warehouse->name, kind, size);
  return false;
}

// Mistakes of the scenario's author; a capability that is known and not offered is the plan's business at run requests.
void check_capabilities(const Scenario& scenario, const PlanSpec& plan, const Node& root, Reading& reading) {
  const engine::PlanVerdict verdict = scenario.judge(plan);
  if (!verdict.target_matches())
    error_at(reading, root, {"workload", "plans", plan.name, "targetAdapter"},
             fmt::format("the plan may run on {} only, and topology.adapter.kind is {}", to_string(verdict.wanted),
                         to_string(verdict.adapter)));
  const std::span<const std::string_view> all = engine::all_capabilities();
  for (const std::string& unknown : verdict.unknown_capabilities)
    error_at(reading, root, {"workload", "plans", plan.name, "requiresCapabilities"},
             fmt::format("no adapter has a capability \"{}\"{}", unknown,
                         Reading::suggestion(unknown, {all.begin(), all.end()})));
}

}  // namespace

void validate_plans(const Scenario& scenario, const Node& root, Reading& reading) {
  double total = 0;
  std::string message;
  for (const PlanSpec& plan : scenario.workload.plans) {
    total += plan.weight;
    if (!std::holds_alternative<PlanFile>(plan.body)) check_capabilities(scenario, plan, root, reading);
    if (const auto* body = std::get_if<InlinePlan>(&plan.body)) {
      if (!plan.unchecked) check_model(plan, *body, root, reading);
      for (std::size_t i = 0; i < body->steps.size(); ++i) {
        const PlanStep& step = body->steps[i];
        if (step.kind.empty() || check_runs(scenario, step.kind, step.size, step.materialization, message)) continue;
        error_at(reading, root, {"workload", "plans", plan.name, "steps", std::to_string(i), "kind"}, message);
      }
    } else if (const auto* synthetic = std::get_if<SyntheticPlan>(&plan.body)) {
      if (check_runs(scenario, synthetic->kind, synthetic->size, "", message)) continue;
      error_at(reading, root, {"workload", "plans", plan.name, "synthetic", "kind"}, message);
    }
  }
  if (!scenario.workload.plans.empty() && total <= 0)
    error_at(reading, root, {"workload", "plans"}, "the weights of all plans are 0: no plan can be chosen");
}

}  // namespace dvt::sim
