// RunState: the fold of a run's events, in compact form. One fold for everybody: projector, rebuild, the memory store's
// oracle, invariants. Rules and the policy for invalid transitions are domain §2 (ignore the event, keep going, mark
// the run inconsistent).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/base/event_type.h"
#include "engine/base/ids.h"
#include "engine/base/snapshot.h"
#include "engine/base/time.h"

namespace dvt {

struct StepState {
  StepStatus status = StepStatus::pending;
  std::uint32_t attempts = 0;  // highest logical attempt started
  Instant started_at;          // valid when has_started
  Instant completed_at;        // valid when has_completed
  bool has_started = false;
  bool has_completed = false;
  bool operator==(const StepState&) const = default;
};

struct RunState {
  RunStatus status = RunStatus::pending;
  bool paused = false;
  bool inconsistent = false;  // an invalid transition was seen and ignored; not part of the hash
  bool has_started = false;
  bool has_completed = false;
  Instant started_at;
  Instant completed_at;
  std::vector<StepState> steps;  // by StepIndex; grows to the highest index seen
  bool operator==(const RunState&) const = default;
};

/// `late`: legal, and out of the usual order: a StepStarted may be written late (domain §3). Either the end of an
/// attempt came before its start, or this is the start that was missing.
enum class Transition : std::uint8_t { applied, late, invalid };

/// Folds one event. Times in the state are the event's `emitted_at` (the producer's clock), as in the snapshot vectors.
/// `type` an unknown value: state unchanged, applied (tolerant reader).
Transition apply_event(RunState& state, EventType type, StepIndex step, std::uint32_t logical_attempt,
                       Instant emitted_at);

bool is_terminal(RunStatus status);

}  // namespace dvt
