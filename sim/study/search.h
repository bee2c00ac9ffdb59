// The smallest or greatest value of a key that suffices.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/study/runner.h"

namespace dvt::sim {

enum class Sufficient { yes, no, undecided };

/// One value that was tried.
struct Trial {
  std::int64_t value = 0;
  std::int64_t held = 0;  // runs in which suchThat held
  std::int64_t n = 0;
  Sufficient sufficient = Sufficient::undecided;
};

struct SearchResult {
  std::vector<Trial> trials;         // in the order in which they were made
  std::optional<std::int64_t> best;  // nothing suffices, or it could not be told
  bool inconclusive = false;         // a trial on the way stayed undecided
  std::string problem;               // a run that was none: why the search ended
};

/// Is the share of runs in which it holds at least `spec.share`? Yes when the one-sided lower bound says so, no when
/// the upper bound does, both at `spec.confidence`.
Sufficient decide(const SearchSpec& spec, std::int64_t held, std::int64_t n);

/// Halves the range `spec.in`: supposes that beyond a value that suffices all do. Each value gets seeds until it is
/// decided, `replications.max` at most. Diagnostics: the scenario with one of the values cannot be run, or suchThat
/// does not fit its result.
Result<SearchResult, std::vector<Diagnostic>> run_search(const StudyPlan& plan, const RunnerOptions& options);

}  // namespace dvt::sim
