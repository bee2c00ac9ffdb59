#include "engine/plan/catalogue.h"

#include "engine/base/assert.h"
#include "engine/plan/plan_json.h"

namespace dvt::engine {

PlanEntryRef PlanCatalogue::add(Plan plan) {
  DVT_ASSERT(validate(plan).empty(), "only valid plans enter the catalogue");
  return add_unchecked(std::move(plan));
}

PlanEntryRef PlanCatalogue::add_unchecked(Plan plan) {
  auto entry = std::make_shared<PlanEntry>();
  entry->ordinal = {static_cast<std::uint32_t>(entries_.size())};
  entry->bytes = plan_bytes(plan);
  entry->ref = make_plan_ref("plan://catalogue/" + plan.metadata.plan_id + "/" + plan.metadata.plan_version,
                             entry->bytes, plan.metadata);
  entry->errors = validate(plan);
  if (entry->errors.empty()) {
    entry->layers = layers(plan);
    entry->waits_for = run_dependencies(plan);
  }
  entry->plan = std::move(plan);
  entries_.push_back(std::move(entry));
  return entries_.back();
}

PlanEntryRef PlanCatalogue::find(std::string_view uri) const {
  for (const PlanEntryRef& entry : entries_)
    if (entry->ref.uri == uri) return entry;
  return nullptr;
}

}  // namespace dvt::engine
