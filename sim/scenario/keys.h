// The structs of the language that have tables, and the values with forms of their own (a word or a map). Private to
// sim/scenario; the tables themselves are in keys_*.cpp.
#pragma once

#include "sim/scenario/codec.h"
#include "sim/scenario/dist_codec.h"
#include "sim/scenario/table_builder.h"

namespace dvt::sim {

/// `uniform` or `{zipf: s}`.
struct Skew {
  double zipf = 0;
  bool operator==(const Skew&) const = default;
};
/// `none | all | failed | {slowest: n} | {every: n}`.
struct HistoriesValue {
  Record record;
  bool operator==(const HistoriesValue&) const = default;
};
/// The members of `invariants.except`: names, `name: reason` pairs, or a map of reasons.
struct ExceptList {
  NamedValues<std::string> names;
  bool operator==(const ExceptList&) const = default;
};

DVT_CODEC(Skew);
DVT_CODEC(HistoriesValue);
DVT_CODEC(ExceptList);
DVT_CODEC(Every);
DVT_CODEC(KnownFaults);
DVT_CODEC(Objectives);
DVT_CODEC(Invariants);
DVT_CODEC(AssertionSpec);
DVT_CODEC(Target);

template <>
const ObjectTable& table<Skew>();

DVT_OBJECT(Select);
DVT_OBJECT(Tenants);
DVT_OBJECT(PlanStep);
DVT_OBJECT(SyntheticPlan);
DVT_OBJECT(DbtPlan);
DVT_OBJECT(PlanSpec);
DVT_OBJECT(Diurnal);
DVT_OBJECT(Arrivals);
DVT_OBJECT(Stage);
DVT_OBJECT(BackgroundSignal);
DVT_OBJECT(Reads);
DVT_OBJECT(Clients);
DVT_OBJECT(Workload);

DVT_OBJECT(AdapterSpec);
DVT_OBJECT(InterpreterSpec);
DVT_OBJECT(ActivityOptionsEntry);
DVT_OBJECT(TaskQueueSpec);
DVT_OBJECT(ConductorSpec);
DVT_OBJECT(PauseSpec);
DVT_OBJECT(AdmissionSpec);
DVT_OBJECT(ApiSpec);
DVT_OBJECT(StateStoreSpec);
DVT_OBJECT(ProjectorSpec);
DVT_OBJECT(BackoffSpec);
DVT_OBJECT(OutboxSpec);
DVT_OBJECT(SubscriptionSpec);
DVT_OBJECT(BusSpec);
DVT_OBJECT(SignalsSpec);
DVT_OBJECT(OncallSpec);
DVT_OBJECT(Topology);
DVT_OBJECT(WarehouseErrors);
DVT_OBJECT(WarehouseSpec);

DVT_OBJECT(Fault);
DVT_OBJECT(After);
DVT_OBJECT(OnAlert);
DVT_OBJECT(Operation);
DVT_OBJECT(Incident);
DVT_OBJECT(Release);
DVT_OBJECT(Advisory);
DVT_OBJECT(BudgetPolicy);

DVT_OBJECT(Metadata);
DVT_OBJECT(Record);
DVT_OBJECT(ObjectiveSpec);
DVT_OBJECT(Alerts);
DVT_OBJECT(Cost);
DVT_OBJECT(MetricsSpec);
DVT_OBJECT(Scenario);

template <>
struct EntryName<BackgroundSignal> {
  static constexpr bool is_named = true;
  static std::string get(const BackgroundSignal& entry) { return std::string(word(entry.signal)); }
  static bool set(Reading& reading, Mark mark, BackgroundSignal& entry, std::string_view text);
};

/// `default`, a step kind, or kind/size.
template <>
struct EntryName<ActivityOptionsEntry> {
  static constexpr bool is_named = true;
  static std::string get(const ActivityOptionsEntry& entry) { return entry.name; }
  static bool set(Reading& reading, Mark mark, ActivityOptionsEntry& entry, std::string_view text);
};

/// For check(): one of the three step sizes.
bool is_size(const std::string& text);
inline constexpr std::string_view kSizes = "small, medium or large";

}  // namespace dvt::sim
