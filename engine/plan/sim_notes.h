// Simulation notes: what the simulated warehouse should do with a step. They stand beside a plan, in a plan file's
// top-level `sim: {<stepId>: {…}}`, and never in the bytes handed to the workflow (scenario.md, "Meanings").
// Which note decides a step's duration: recorded duration, then materialization, then kind/size, then size.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/plan/plan.h"

namespace dvt::engine {

enum class StepSize : std::uint8_t { small, medium, large };
std::string_view to_string(StepSize size);
std::optional<StepSize> step_size_from_text(std::string_view text);

/// What happened to the step where it was recorded. `error`: the work itself broke; `fail`: a test's verdict;
/// `skipped`: it never ran, because something before it failed.
enum class RecordedOutcome : std::uint8_t { success, error, skipped, fail };
std::string_view to_string(RecordedOutcome outcome);
std::optional<RecordedOutcome> recorded_outcome_from_text(std::string_view text);

struct StepNotes {
  std::optional<StepSize> size;
  std::optional<std::string> materialization;  // view, table, incremental, test, seed, snapshot, or a project's own
  std::optional<Duration> duration;            // recorded; not negative
  std::optional<RecordedOutcome> outcome;
  std::string message;  // of an outcome that is no success; may be empty
  bool operator==(const StepNotes&) const = default;
};

/// A plan with its notes: what a plan file holds.
struct AnnotatedPlan {
  Plan plan;
  std::vector<StepNotes> notes;  // by StepIndex, one for each step
  /// At most so many steps of a run at once, whatever the layers allow (a dbt project's threads); absent: no bound.
  std::optional<std::uint32_t> concurrency;
  bool operator==(const AnnotatedPlan&) const = default;
};

/// The plan file, indented: `{metadata, steps, sim?, simPlan?: {concurrency}}`. `sim` has the steps with notes only, in
/// declaration order; durations are decimal seconds with their unit, exact to the nanosecond ("2.383677959s").
std::string write_plan_file(const AnnotatedPlan& annotated);

/// Reads a plan file; a failure lists every error found as text, plan errors in the production engine's words. Unlike
/// the plan's own reader it is strict about unknown top-level members and notes, because people write them.
Result<AnnotatedPlan, std::vector<std::string>> parse_plan_file(std::string_view text);

}  // namespace dvt::engine
