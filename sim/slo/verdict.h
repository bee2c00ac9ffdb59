// Verdict: everything that is known of a finished run, ready to be rendered (design §7 names the JSON keys). Made by
// evaluate() from plain values, completed by conclude() once the assertions have been evaluated against it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/time.h"
#include "sim/measure/results.h"
#include "sim/scenario/scenario.h"
#include "sim/slo/alerts.h"
#include "sim/slo/budget.h"
#include "sim/slo/cost.h"
#include "sim/slo/escalation.h"
#include "sim/slo/objectives.h"

namespace dvt::sim {

/// Design §7. Usage errors (2), internal errors (1), liveness (6) and interruption (130) are the caller's.
enum class ExitCode : int {
  passed = 0,
  failed = 3,           // an objective or an assertion
  aborted = 4,          // by abortOnFail
  violated = 5,         // an invariant, or replay diverged
  nothing_checked = 7,  // no data: nothing was decided
};

struct AssertionResult {
  std::string text;
  bool passed = false;
  std::string observed;
  std::string where;  // file:line:col
  bool abort_on_fail = false;
};

/// What is known of the run besides its measurements.
struct RunIdentity {
  std::string scenario;
  std::uint64_t seed = 0;
  std::string fingerprint;  // lower-case hex
  UnixNanos start;
  std::uint64_t events_total = 0;   // facts in the fingerprint: domain events and stored rows
  std::uint64_t kernel_events = 0;  // callbacks, sleeps and wakes
  std::string reproduce;            // the command line that repeats the run
};

struct Verdict {
  RunIdentity identity;
  /// runs, store, pauses, faults, counts, absent metrics …
  Measurements measured;
  std::vector<ObjectiveResult> objectives;  // the twelve in the table's order, then the scenario's own
  std::vector<AlertResult> alerts;          // every rule of the loaded sets, evaluated or not
  EscalationResult escalation;              // what became of each firing; by the run, in order of the instants
  std::vector<InvariantResult> invariants;
  std::vector<AssertionResult> assertions;
  BudgetResult budget;
  CostResult cost;

  // Filled in by conclude().
  bool passed = false;
  ExitCode exit_code = ExitCode::nothing_checked;
  std::string decided_by;  // a sentence: what decided, and how
};

/// Everything but the assertions and the decision.
Verdict evaluate(RunIdentity identity, Measurements measured, const Scenario& scenario, std::vector<AlertResult> alerts,
                 std::vector<InvariantResult> invariants);

enum class Replay : std::uint8_t { agreed, diverged };
enum class Ending : std::uint8_t { complete, aborted };

/// Decides: a violated invariant (unless an enabled known fault explains it) or a diverged replay comes first, then an
/// abort; then the assertions if there are any, otherwise the objectives. `insufficient`, `not_measured` and
/// `not_applicable` never fail a run; when nothing was decided at all, the answer is nothing_checked.
void conclude(Verdict& verdict, std::vector<AssertionResult> assertions, Replay replay = Replay::agreed,
              Ending ending = Ending::complete);

}  // namespace dvt::sim
