// What each adapter offers, and whether a plan may run on it (domain §10). The matrix is data; a plan's
// `requiresCapabilities`, its `targetAdapter` and the size of what its tasks carry are judged against it, and what is
// missing is handled as the plan's `fallbackBehavior` says. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/time.h"
#include "engine/plan/plan.h"

namespace dvt::engine {

/// The documents' limits; 0: they name none.
struct AdapterProfile {
  TargetAdapter adapter = TargetAdapter::temporal;
  std::vector<std::string_view> offers;  // in the documents' order
  std::uint64_t max_signal_bytes = 0;
  std::uint32_t signals_per_run_per_minute = 0;
  Duration max_deferral;             // of a signal
  std::uint64_t max_task_bytes = 0;  // of a task's input, and of its output

  bool offers_capability(std::string_view capability) const;
};

/// The row of an adapter. Precondition: not `any`.
const AdapterProfile& adapter_profile(TargetAdapter adapter);
/// Every capability that some adapter offers, once, in the documents' order.
std::span<const std::string_view> all_capabilities();

enum class CapabilityDecision : std::uint8_t {
  offered,
  emulated,  // `fallbackBehavior: emulate`, and the adapter has something that stands in
  degraded,  // `fallbackBehavior: degrade`: the plan runs without it
  rejected,
};
std::string_view to_string(CapabilityDecision decision);

struct CapabilityFinding {
  std::string capability;
  CapabilityDecision decision = CapabilityDecision::offered;
  std::string stand_in;  // emulated: the adapter's own capability that is used instead
};

/// Whether a plan may run on an adapter, and why.
struct PlanVerdict {
  TargetAdapter adapter = TargetAdapter::temporal;
  TargetAdapter wanted = TargetAdapter::any;
  FallbackBehavior fallback = FallbackBehavior::reject;
  std::vector<CapabilityFinding> findings;        // in the plan's order, repetitions once
  std::vector<std::string> unknown_capabilities;  // required, and offered by no adapter there is
  std::uint64_t largest_task_bytes = 0;
  std::uint64_t max_task_bytes = 0;  // the adapter's limit; 0: none

  bool target_matches() const { return wanted == TargetAdapter::any || wanted == adapter; }
  bool tasks_fit() const { return max_task_bytes == 0 || largest_task_bytes <= max_task_bytes; }
  bool accepted() const;
  /// Code of a refused run request; empty when accepted. PLAN_TARGET_ADAPTER_MISMATCH, CAPABILITY_UNKNOWN,
  /// CAPABILITY_NOT_SUPPORTED or PLAN_TASK_TOO_LARGE.
  std::string_view code() const;
  /// The validation report: one line for each thing that is not simply offered; empty when there is none.
  std::vector<std::string> report() const;
};

/// `plan_bytes`: size of the bytes behind the plan's reference, which fetchPlan hands back as its result.
PlanVerdict judge_plan(const Plan& plan, std::uint64_t plan_bytes, TargetAdapter adapter);

}  // namespace dvt::engine
