#include "store/projector/run_fold.h"

#include <optional>

namespace dvt::store {

FoldedRun* RunFolds::find(RunOrdinal run) {
  const std::uint32_t slot = index_.find(run.value);
  return slot == db::OrdinalMap::kNone ? nullptr : &slots_[slot];
}

FoldedRun& RunFolds::get(RunOrdinal run) {
  if (FoldedRun* held = find(run)) return *held;
  std::optional<StoredSnapshot> stored;
  bool stale = false;
  try {
    stored = store_.snapshot(run);  // first: it may throw
  } catch (const StoreFailure& failure) {
    if (failure.store_error() != StoreError::corrupt) throw;
    stale = true;
  }
  std::uint32_t slot = 0;
  if (free_.empty()) {
    slot = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  index_.insert(run.value, slot);
  FoldedRun& folded = slots_[slot];
  // The steps' storage is kept from the slot's former run.
  std::vector<StepState> steps = std::move(folded.state.steps);
  steps.clear();
  folded = FoldedRun{};
  folded.run = run;
  folded.stale = stale;
  if (stored) {
    folded.state = std::move(stored->state);
    folded.last_seq = stored->up_to_seq;
  } else {
    folded.state.steps = std::move(steps);
  }
  return folded;
}

void RunFolds::drop(RunOrdinal run) {
  const std::uint32_t slot = index_.find(run.value);
  if (slot == db::OrdinalMap::kNone) return;
  index_.erase(run.value);
  free_.push_back(slot);
}

}  // namespace dvt::store
