// The plan: what a run executes, as the workflow sees it (domain §6). A plain value; `validate` says everything that is
// wrong with one, in the production engine's own words. Simulation notes (sizes, recorded durations) are not part of a
// plan: see sim_notes.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/ids.h"

namespace dvt::engine {

enum class TargetAdapter : std::uint8_t { any, temporal, conductor, mock };
enum class FallbackBehavior : std::uint8_t { reject, emulate, degrade };

std::string_view to_string(TargetAdapter adapter);
std::string_view to_string(FallbackBehavior behavior);

/// `step = {stepId, kind, dependsOn?}`. An absent `depends_on` differs from an empty one: a plan in which no step has
/// the member runs one step after the other, and one explicit empty list is enough to make it a graph (domain §6).
struct Step {
  std::string step_id;
  std::string kind;  // dbt, spark, custom, …: which warehouse runs it is the scenario's business
  std::optional<std::vector<std::string>> depends_on;  // step ids, as written (repetitions kept)
  bool operator==(const Step&) const = default;
};

struct PlanMetadata {
  std::string plan_id;
  std::string plan_version;
  std::string schema_version = "1";
  TargetAdapter target_adapter = TargetAdapter::any;
  FallbackBehavior fallback_behavior = FallbackBehavior::reject;
  std::vector<std::string> requires_capabilities;
  bool operator==(const PlanMetadata&) const = default;
};

struct Plan {
  PlanMetadata metadata;
  std::vector<Step> steps;  // declaration order; a StepIndex is a position in here
  bool operator==(const Plan&) const = default;
};

/// Closed list of what can be wrong with a plan. The first six are the production engine's codes (domain §6).
enum class PlanErrorCode : std::uint8_t {
  duplicate_step_id,
  unknown_dependency,
  self_dependency,
  cyclic_dependencies,
  invalid_dependency_value,
  step_field_not_allowed,
  invalid_identifier,  // empty, or with a '|', which idempotency keys forbid (domain §2)
  malformed_json,
  missing_field,
  invalid_field,
};

struct PlanError {
  PlanErrorCode code;
  std::string subject;     // step id, field name or path, or the JSON parser's message
  std::string dependency;  // unknown_dependency only: the id that no step has
  std::string where;       // "steps[3]" or "metadata", for people; not part of text()
  bool operator==(const PlanError&) const = default;

  /// `INVALID_PLAN_SCHEMA: duplicate_step_id:X`, `INVALID_STEP_SCHEMA: field_not_allowed:NAME`, …
  std::string text() const;
};

/// Everything that is wrong with the plan, in declaration order, cycles last; empty when it may run. Identifiers,
/// duplicates, dependencies. A plan without steps is valid. O(steps + dependencies), no recursion.
std::vector<PlanError> validate(const Plan& plan);

/// Position of a step by id; nullopt when there is none. Linear: for edges and tests.
std::optional<StepIndex> find_step(const Plan& plan, std::string_view step_id);

}  // namespace dvt::engine
