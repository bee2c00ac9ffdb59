// What is known of each run in flight: a pooled slot, found from the run's ordinal by two loads. Pages of the ordinal
// index are freed when their runs have closed, so memory follows the runs in flight and not the length of the run.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "engine/ports/telemetry.h"
#include "sim/measure/interval_union.h"

namespace dvt::sim {

/// A step activity (executeStep) between its first scheduling and its end, over its attempts.
struct OpenStep {
  /// `ended`: the attempt failed in a way that may be retried, and the retry has not been told (yet).
  enum class Phase : std::uint8_t { queued, running, backoff, ended };
  std::uint32_t activity = 0;
  std::uint32_t attempt = 1;
  StepIndex step = kNoStep;
  Phase phase = Phase::queued;
  bool retry_told = false;   // the retry was decided before the attempt's close was told
  bool query_ended = false;  // the warehouse has finished this attempt's statement
  Instant started_at;
  Instant query_ended_at;
  Instant ended_at;
};

/// A signal that was accepted and not applied yet.
struct PendingSignal {
  std::uint64_t signal = 0;
  SignalType type = SignalType::pause;
  Instant accepted_at;
};

struct RunSlot {
  RunOrdinal run;
  PlanOrdinal plan;
  TenantOrdinal tenant;
  Uuid run_id;
  Instant requested_at;
  Instant accepted_at;
  Instant started_at;
  Instant last_event_at;
  Instant still_since;
  Instant backoff_until;  // latest end of a control activity's backoff
  bool requested = false;
  bool accepted = false;
  bool started = false;
  bool still = false;  // the interpreter stands still (paused)
  std::uint32_t control_open = 0;
  std::uint32_t queued = 0;   // step attempts waiting in a task queue
  std::uint32_t running = 0;  // step attempts on a worker
  std::uint32_t ended = 0;    // entries of `steps` in phase ended
  IntervalUnion excused;      // not the control plane's time
  std::vector<OpenStep> steps;
  std::vector<StepIndex> held;  // steps that failed and wait for an operator
  std::vector<PendingSignal> signals;
  std::vector<std::uint32_t> pauses;  // under observation, indices into the pause log's pool

  /// nullptr when no such activity is open.
  OpenStep* find_step(std::uint32_t activity) {
    for (OpenStep& step : steps) {
      if (step.activity == activity) return &step;
    }
    return nullptr;
  }
  void erase_step(OpenStep* step) {
    *step = steps.back();
    steps.pop_back();
  }
};

class RunTable {
 public:
  /// nullptr when the run is not in flight.
  RunSlot* find(RunOrdinal run) {
    const std::size_t page = run.value >> kPageBits;
    if (page >= pages_.size() || !pages_[page]) return nullptr;
    const std::uint32_t slot = pages_[page]->slot[run.value & (kPageSize - 1)];
    return slot == 0 ? nullptr : &slots_[slot - 1];
  }
  /// The run's slot, made empty when there is none.
  RunSlot& open(RunOrdinal run);
  void close(RunOrdinal run);
  std::size_t in_flight() const { return in_flight_; }
  /// Bytes held for the ordinal index and the slots, a measure of flatness.
  std::size_t pages() const;
  std::size_t slots() const { return slots_.size(); }

  /// In order of the ordinals.
  template <class F>
  void for_each(F&& f) {
    for (auto& page : pages_) {
      if (!page) continue;
      for (const std::uint32_t slot : page->slot) {
        if (slot != 0) f(slots_[slot - 1]);
      }
    }
  }

 private:
  static constexpr unsigned kPageBits = 12;
  static constexpr std::size_t kPageSize = std::size_t{1} << kPageBits;
  struct Page {
    std::array<std::uint32_t, kPageSize> slot{};  // index + 1; 0: not in flight
    std::uint32_t live = 0;
  };

  std::vector<std::unique_ptr<Page>> pages_;
  std::deque<RunSlot> slots_;
  std::vector<std::uint32_t> free_;
  std::size_t in_flight_ = 0;
};

}  // namespace dvt::sim
