// The plans of a world: parsed once, with their layers, their bytes and the references handed to workflows.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/base/json.h"
#include "engine/plan/layers.h"
#include "engine/plan/plan.h"
#include "engine/plan/plan_ref.h"

namespace dvt::engine {

struct PlanEntry {
  PlanOrdinal ordinal;
  Plan plan;
  std::string bytes;  // what a worker fetches: metadata and steps, nothing else
  PlanRef ref;
  std::vector<std::vector<StepIndex>> layers;
  std::vector<std::vector<StepIndex>> waits_for;  // by step: run_dependencies()
  std::vector<PlanError> errors;                  // of an unchecked plan; then there are no layers, and nobody runs it
};
using PlanEntryRef = std::shared_ptr<const PlanEntry>;

class PlanCatalogue {
 public:
  /// An invalid plan (see validate()) is a programmer's error. The URI is plan://catalogue/<planId>/<planVersion>.
  PlanEntryRef add(Plan plan);
  /// Takes an invalid plan too: what a planner should have refused, handed to the workflow (known fault 4).
  PlanEntryRef add_unchecked(Plan plan);
  const PlanEntryRef& at(PlanOrdinal plan) const { return entries_.at(plan.value); }
  const std::vector<PlanEntryRef>& entries() const { return entries_; }
  /// Null when no plan has this address.
  PlanEntryRef find(std::string_view uri) const;

 private:
  std::vector<PlanEntryRef> entries_;
};

}  // namespace dvt::engine
