// Objectives of a scenario's own (scenario.md, `objectives`; OpenSLO), counted on the sampling grid over the recorded
// series. Occurrences: increments of a counter or a histogram, or samples of a gauge; bad are those of the label sets
// that `bad` names, or those above `threshold`. Timeslices: slices of time that had occurrences; a slice is bad when
// its share of good ones is below the target. A histogram's threshold is one of its bounds: nothing between them is
// known.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "sim/measure/catalogue.h"
#include "sim/measure/results.h"
#include "sim/measure/series.h"
#include "sim/scenario/diagnostic.h"
#include "sim/scenario/scenario.h"

namespace dvt::sim {

/// What an objective asks of the series, checked against the catalogue.
struct OwnObjectivePlan {
  const MetricEntry* metric = nullptr;
  std::vector<std::pair<std::string, std::string>> bad;  // labels that must all match; empty: by threshold
  double threshold = 0;                                  // in the unit the metric's name ends in
};
/// The error is a phrase for the user, with the nearest known name where there is one.
Result<OwnObjectivePlan, std::string> plan_objective(const ObjectiveSpec& spec);

/// One diagnostic for each objective that cannot be counted, at its place in the file.
std::vector<Diagnostic> check_own_objectives(const Scenario& scenario);

class OwnObjectives {
 public:
  /// Objectives that cannot be planned count nothing; the check of the scenario tells of them.
  OwnObjectives(const std::vector<ObjectiveSpec>& specs, Instant warmup_end);
  /// After every sample.
  void step(const SeriesStore& store, Instant at);
  std::vector<OwnObjectiveCounts> results() const;

 private:
  struct Tally {
    double total = 0;
    double bad = 0;
    void add(const Tally& other) {
      total += other.total;
      bad += other.bad;
    }
  };
  struct State {
    ObjectiveSpec spec;
    OwnObjectivePlan plan;
    bool usable = false;
    std::size_t looked_at = 0;
    std::size_t looked_at_good = 0;
    std::vector<std::uint32_t> all;
    std::vector<std::uint32_t> bad;   // by labels
    std::vector<std::uint32_t> good;  // buckets at the threshold
    bool begun = false;
    Tally before;  // cumulative, at the sample before
    Tally slice;
    std::int64_t slice_number = 0;
    Tally window;  // of five minutes, under way
    std::int64_t window_number = 0;
    std::deque<Tally> windows;  // as many as the objective's window holds
    WindowCount counted;
  };
  void look(State& state, const SeriesStore& store) const;
  Tally level(State& state, const SeriesStore& store) const;
  static void close_slice(State& state);
  static void close_window(State& state);

  Instant warmup_end_;
  std::vector<State> states_;
};

}  // namespace dvt::sim
