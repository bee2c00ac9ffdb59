#include "engine/plan/capabilities.h"

#include <algorithm>
#include <array>

#include "engine/base/assert.h"
#include "engine/base/format.h"
#include "engine/base/text.h"

namespace dvt::engine {
namespace {

/// What of an adapter can stand in for a capability that it lacks. The others cannot be emulated: a forced cancel lets
/// nobody clean up, a cooperative one may never end, and one task's replay is not a run's.
struct StandIn {
  std::string_view lacking;
  std::string_view with;
};
constexpr std::array kStandIns{
    StandIn{"signal.pause.native", "signal.pause.emulated"},
    StandIn{"signal.pause.emulated", "signal.pause.native"},
    StandIn{"query.workflow.state", "query.task.state"},
    StandIn{"query.task.state", "query.workflow.state"},
    StandIn{"replay.task", "replay.full"},
};

// executeStep's {step, ctx} beside the step itself: ids of fixed or bounded length (UUIDs, tenant-1, default, prod).
constexpr std::uint64_t kTaskEnvelope = 256;

std::uint64_t step_bytes(const Step& step) {
  std::uint64_t bytes = 32 + step.step_id.size() + step.kind.size();
  if (step.depends_on)
    for (const std::string& dependency : *step.depends_on) bytes += dependency.size() + 3;
  return bytes;
}

}  // namespace

bool AdapterProfile::offers_capability(std::string_view capability) const {
  return std::find(offers.begin(), offers.end(), capability) != offers.end();
}

const AdapterProfile& adapter_profile(TargetAdapter adapter) {
  static const std::array<AdapterProfile, 3> rows{{
      {TargetAdapter::temporal,
       {"signal.pause.native", "cancel.cooperative", "workflow.child.workflows", "workflow.fan.dynamic",
        "workflow.fan.parallel", "query.workflow.state", "replay.full", "workflow.continue.as.new",
        "signals.rate.limit", "signals.concurrent"},
       64'000,
       60,
       minutes(1'440),
       0},
      // A signal's payload reaches a Conductor workflow as the input of a task.
      {TargetAdapter::conductor,
       {"signal.pause.emulated", "cancel.forced", "workflow.fan.parallel", "query.task.state", "replay.task",
        "signals.rate.limit"},
       32'000,
       60,
       {},
       32'000},
      // What the test double does itself: pauses and cancels between two events. The documents have no row for it.
      {TargetAdapter::mock, {"signal.pause.native", "cancel.cooperative", "signals.rate.limit"}, 64'000, 60, {}, 0},
  }};
  for (const AdapterProfile& row : rows)
    if (row.adapter == adapter) return row;
  DVT_ASSERT(false, "`any` is no adapter");
  return rows.front();
}

std::span<const std::string_view> all_capabilities() {
  static const std::vector<std::string_view> all = [] {
    std::vector<std::string_view> names;
    for (const TargetAdapter adapter : {TargetAdapter::temporal, TargetAdapter::conductor})
      for (const std::string_view name : adapter_profile(adapter).offers)
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    return names;
  }();
  return all;
}

std::string_view to_string(CapabilityDecision decision) {
  switch (decision) {
    case CapabilityDecision::offered:
      return "offered";
    case CapabilityDecision::emulated:
      return "emulated";
    case CapabilityDecision::degraded:
      return "degraded";
    case CapabilityDecision::rejected:
      return "rejected";
  }
  return "?";
}

bool PlanVerdict::accepted() const {
  return code().empty();
}

std::string_view PlanVerdict::code() const {
  if (!target_matches()) return "PLAN_TARGET_ADAPTER_MISMATCH";
  if (!unknown_capabilities.empty()) return "CAPABILITY_UNKNOWN";
  for (const CapabilityFinding& finding : findings)
    if (finding.decision == CapabilityDecision::rejected) return "CAPABILITY_NOT_SUPPORTED";
  if (!tasks_fit()) return "PLAN_TASK_TOO_LARGE";
  return {};
}

std::vector<std::string> PlanVerdict::report() const {
  std::vector<std::string> lines;
  const std::string_view name = to_string(adapter);
  if (!target_matches())
    lines.push_back(fmt::format("targetAdapter is {}, the adapter is {}: rejected", to_string(wanted), name));
  for (const std::string& unknown : unknown_capabilities) {
    const std::span<const std::string_view> all = all_capabilities();
    const std::string_view nearest = nearest_name(unknown, all);
    lines.push_back(fmt::format("no adapter has a capability \"{}\"{}: rejected", unknown,
                                nearest.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", nearest)));
  }
  for (const CapabilityFinding& finding : findings) {
    switch (finding.decision) {
      case CapabilityDecision::offered:
        break;
      case CapabilityDecision::emulated:
        lines.push_back(fmt::format("{} lacks {}: emulated by {}", name, finding.capability, finding.stand_in));
        break;
      case CapabilityDecision::degraded:
        lines.push_back(fmt::format("{} lacks {}: degraded, the plan runs without it", name, finding.capability));
        break;
      case CapabilityDecision::rejected:
        lines.push_back(fmt::format("{} lacks {}: rejected{}", name, finding.capability,
                                    fallback == FallbackBehavior::emulate ? ", nothing there can emulate it" : ""));
        break;
    }
  }
  if (!tasks_fit())
    lines.push_back(fmt::format("the plan's largest task carries {} B, {} takes at most {} B: rejected",
                                largest_task_bytes, name, max_task_bytes));
  return lines;
}

PlanVerdict judge_plan(const Plan& plan, std::uint64_t plan_bytes, TargetAdapter adapter) {
  const AdapterProfile& profile = adapter_profile(adapter);
  PlanVerdict verdict;
  verdict.adapter = adapter;
  verdict.wanted = plan.metadata.target_adapter;
  verdict.fallback = plan.metadata.fallback_behavior;
  verdict.max_task_bytes = profile.max_task_bytes;
  verdict.largest_task_bytes = plan_bytes;
  for (const Step& step : plan.steps)
    verdict.largest_task_bytes = std::max(verdict.largest_task_bytes, kTaskEnvelope + step_bytes(step));

  const std::span<const std::string_view> known = all_capabilities();
  std::vector<std::string_view> seen;
  for (const std::string& capability : plan.metadata.requires_capabilities) {
    if (std::find(seen.begin(), seen.end(), capability) != seen.end()) continue;
    seen.push_back(capability);
    if (std::find(known.begin(), known.end(), capability) == known.end()) {
      verdict.unknown_capabilities.push_back(capability);
      continue;
    }
    CapabilityFinding finding{capability, CapabilityDecision::offered, {}};
    if (!profile.offers_capability(capability)) {
      finding.decision = CapabilityDecision::rejected;
      if (verdict.fallback == FallbackBehavior::degrade) finding.decision = CapabilityDecision::degraded;
      if (verdict.fallback == FallbackBehavior::emulate)
        for (const auto& [lacking, with] : kStandIns)
          if (lacking == capability && profile.offers_capability(with))
            finding = {capability, CapabilityDecision::emulated, std::string(with)};
    }
    verdict.findings.push_back(std::move(finding));
  }
  return verdict;
}

}  // namespace dvt::engine
