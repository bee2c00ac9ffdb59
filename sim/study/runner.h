// Runs the cells of a study, replication by replication.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "sim/slo/verdict.h"
#include "sim/study/plan.h"

namespace dvt::sim {

/// Runs between two looks at what has come out so far: a fixed number, so that `jobs` decides nothing.
inline constexpr std::size_t kRunsBetweenLooks = 8;

/// What is kept of one run.
struct Replication {
  std::uint64_t seed = 0;
  int exit_code = 0;                               // design §7; 1: the run ended with an internal error
  std::string fingerprint;                         // lower-case hex
  std::vector<std::optional<AssertValue>> values;  // one a measure; nullopt: the path had no value
  std::string problem;                             // one line, when the exit code is not 0
};

/// One run of a scenario under a seed. Never throws for what happens in the run: that is an exit code of 1 and a
/// problem.
Replication run_once(const Scenario& scenario, std::uint64_t seed, const std::vector<StudyMeasure>& measures,
                     const std::string& store);

struct RunnerOptions {
  unsigned jobs = 1;
  std::string store;  // as `run --store`; empty: the scenario's own
  std::uint64_t shard = 0;
  std::uint64_t shards = 1;  // this part of the replications only; all `max` of them then, since no part sees the whole
  const std::atomic<bool>* stop = nullptr;
  /// How much of the greatest possible number of runs is done; called by one thread at a time.
  std::function<void(std::size_t done, std::size_t most)> progress;
};

struct CellRuns {
  std::vector<Replication> runs;  // in order of seeds
  bool precise = true;            // relHalfWidth was reached, or was not asked for
};

/// Seeds `scenario.seed + i`. A cell stops at the first number of runs, from `min`, at which its interval is narrow
/// enough: the same number whatever `jobs` is.
std::vector<CellRuns> run_cells(const StudyPlan& plan, const RunnerOptions& options);

}  // namespace dvt::sim
