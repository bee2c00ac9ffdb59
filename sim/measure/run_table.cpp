// Opening and closing of slots.
#include "sim/measure/run_table.h"

#include <utility>

#include "engine/base/assert.h"

namespace dvt::sim {

RunSlot& RunTable::open(RunOrdinal run) {
  if (RunSlot* slot = find(run)) return *slot;
  const std::size_t page = run.value >> kPageBits;
  if (page >= pages_.size()) pages_.resize(page + 1);
  if (!pages_[page]) pages_[page] = std::make_unique<Page>();
  std::uint32_t index = 0;
  if (free_.empty()) {
    index = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  pages_[page]->slot[run.value & (kPageSize - 1)] = index + 1;
  ++pages_[page]->live;
  ++in_flight_;
  RunSlot& slot = slots_[index];
  slot.run = run;
  return slot;
}

void RunTable::close(RunOrdinal run) {
  const std::size_t page = run.value >> kPageBits;
  DVT_ASSERT(find(run) != nullptr, "a run was closed that is not in flight");
  std::uint32_t& entry = pages_[page]->slot[run.value & (kPageSize - 1)];
  const std::uint32_t index = entry - 1;
  entry = 0;
  // The vectors keep their capacity for the next run in this slot.
  RunSlot& slot = slots_[index];
  RunSlot fresh;
  fresh.excused = std::move(slot.excused);
  fresh.steps = std::move(slot.steps);
  fresh.signals = std::move(slot.signals);
  fresh.pauses = std::move(slot.pauses);
  fresh.excused.clear();
  fresh.steps.clear();
  fresh.signals.clear();
  fresh.pauses.clear();
  slot = std::move(fresh);
  free_.push_back(index);
  --in_flight_;
  if (--pages_[page]->live == 0) pages_[page].reset();
}

std::size_t RunTable::pages() const {
  std::size_t n = 0;
  for (const auto& page : pages_) n += page ? 1 : 0;
  return n;
}

}  // namespace dvt::sim
