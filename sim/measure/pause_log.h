// Every accepted PAUSE and its four moments (domain §7): applied, last step activity scheduled, last one started, and
// drained. The observation ends at the first of: drained, acceptance of a RESUME, the run's close, the drain timeout,
// the end of the run. Only step activities count; a PAUSE counts when it is accepted at or after the end of warm-up.
//
// Drained means: the pause was applied, the interpreter stands still, and none of the run's step activities is queued,
// running or waiting for a retry; or, where a run that stands still holds what is queued (Conductor), none is running.
// An empty run between two layers is not drained: its next layer may be on its way.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/measure/observations.h"
#include "sim/measure/results.h"
#include "sim/measure/run_table.h"

namespace dvt::sim {

/// Told of each observation that ended and counts.
class PauseListener {
 public:
  virtual ~PauseListener() = default;
  virtual void pause_ended(const PauseRecord& pause) = 0;
};

/// What a run that stands still does with its queued step activities.
enum class Standing : std::uint8_t { lets_its_queue_start, holds_its_queue };

class PauseLog {
 public:
  static constexpr std::size_t kListLimit = 2'000;  // more than a day of one a minute

  /// `drain_timeout` 0: none (only Conductor has one).
  PauseLog(Duration threshold, Instant warmup_end, Duration drain_timeout, Standing standing, PauseListener& listener);

  // What happened in a run, in order of time. `run` holds the state *after* the fact.
  void accepted(RunSlot& run, std::uint64_t signal, std::uint32_t warehouse_queue, Instant at);
  void applied(RunSlot& run, std::uint64_t signal, Instant at);
  void step_scheduled(RunSlot& run, std::uint32_t attempt, Instant at);
  void step_started(RunSlot& run, std::uint32_t attempt, Instant at);
  /// Looks whether the run's pauses have drained.
  void settle(RunSlot& run, Instant at);
  void resumed(RunSlot& run, Instant at) { end_all(run, PauseEnd::resume, at); }
  void closed(RunSlot& run, Instant at) { end_all(run, PauseEnd::terminal, at); }
  void end_of_run(RunSlot& run, Instant at) { end_all(run, PauseEnd::end_of_run, at); }

  LatencySummary latency() const { return all_.last_started.summary(); }
  PauseSummary summary() const;

 private:
  struct Open {
    PauseRecord record;
    std::uint64_t signal = 0;
    std::uint32_t list_index = 0;
    bool counted = false;
  };
  /// Ten sets of observations in all: exact values of a month would be most of what a month adds to memory.
  struct Group {
    static constexpr std::size_t kExact = 4'096;
    explicit Group(Duration threshold, Instant from)
        : applied(threshold, from, kExact),
          last_scheduled(threshold, from, kExact),
          last_started(threshold, from, kExact),
          last_retry_started(threshold, from, kExact),
          drained(threshold, from, kExact) {}
    Observations applied, last_scheduled, last_started, last_retry_started, drained;
    void add(const PauseRecord& record, Instant at);
    PauseGroup summary() const;
  };

  void end_all(RunSlot& run, PauseEnd why, Instant at);
  void end_timed_out(RunSlot& run, Instant at);
  void end(std::uint32_t index, PauseEnd why, Instant at);

  Instant warmup_end_;
  Duration drain_timeout_;
  Standing standing_;
  PauseListener& listener_;
  std::vector<Open> open_;  // pool; a run's slot names its own
  std::vector<std::uint32_t> free_;
  Group all_;
  Group with_backlog_;
  PauseSummary totals_;  // counts and list only
};

}  // namespace dvt::sim
