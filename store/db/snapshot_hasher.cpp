#include "store/db/snapshot_hasher.h"

#include <algorithm>
#include <numeric>

#include "engine/base/assert.h"
#include "engine/base/snapshot.h"
#include "engine/base/text.h"

namespace dvt::store::db {

const RunSnapshot& SnapshotHasher::fill(const Uuid& run_id, const PlanRecord& plan, const RunState& state) {
  if (plan.ordinal.value >= order_.size()) order_.resize(plan.ordinal.value + std::size_t{1});
  std::vector<std::uint32_t>& order = order_[plan.ordinal.value];
  if (order.size() != plan.step_ids.size()) {
    order.resize(plan.step_ids.size());
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(),
              [&](std::uint32_t a, std::uint32_t b) { return utf16_less(plan.step_ids[a], plan.step_ids[b]); });
  }
  DVT_ASSERT(state.steps.size() <= plan.step_ids.size(), "an event named a step that its plan does not have");

  const auto time = [this](bool present, Instant instant) {
    return present ? std::optional<UnixNanos>(start_ + Duration{instant.ns}) : std::nullopt;
  };
  write_uuid(run_id, run_id_);
  scratch_.run_id = std::string_view(run_id_, sizeof run_id_);
  scratch_.status = state.status;
  scratch_.paused = state.paused;
  scratch_.started_at = time(state.has_started, state.started_at);
  scratch_.completed_at = time(state.has_completed, state.completed_at);
  scratch_.steps.clear();
  for (const std::uint32_t index : order) {
    if (index >= state.steps.size()) continue;
    const StepState& step = state.steps[index];
    if (step.status == StepStatus::pending) continue;  // a lower index than some step seen, but without events itself
    scratch_.steps.push_back(StepSnapshot{.step_id = plan.step_ids[index],
                                          .status = step.status,
                                          .attempts = step.attempts,
                                          .started_at = time(step.has_started, step.started_at),
                                          .completed_at = time(step.has_completed, step.completed_at)});
  }
  return scratch_;
}

Digest SnapshotHasher::hash(const Uuid& run_id, const PlanRecord& plan, const RunState& state) {
  return snapshot_hash(fill(run_id, plan, state));
}

std::string SnapshotHasher::canonical(const Uuid& run_id, const PlanRecord& plan, const RunState& state) {
  return canonical_json(fill(run_id, plan, state));
}

}  // namespace dvt::store::db
