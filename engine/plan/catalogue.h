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
};
using PlanEntryRef = std::shared_ptr<const PlanEntry>;

class PlanCatalogue {
 public:
  /// The plan must be valid (see validate()). Its URI is plan://catalogue/<planId>/<planVersion>.
  PlanEntryRef add(Plan plan);
  const PlanEntryRef& at(PlanOrdinal plan) const { return entries_.at(plan.value); }
  const std::vector<PlanEntryRef>& entries() const { return entries_; }
  /// Null when no plan has this address.
  PlanEntryRef find(std::string_view uri) const;

 private:
  std::vector<PlanEntryRef> entries_;
};

}  // namespace dvt::engine
