#include "sim/study/search.h"

#include <algorithm>

#include "engine/base/confidence.h"
#include "engine/base/format.h"
#include "sim/study/execute.h"
#include "sim/study/parallel.h"

namespace dvt::sim {
namespace {

class Search {
 public:
  Search(const StudyPlan& plan, const RunnerOptions& options) : plan_(plan), spec_(*plan.search), options_(options) {}

  Result<SearchResult, std::vector<Diagnostic>> run() {
    const bool minimise = !spec_.minimise.empty();
    // Invariant: everything on the far side of `sufficient` is taken to suffice, everything before `low` not to.
    std::int64_t low = spec_.in.low;
    std::int64_t high = spec_.in.high;
    // The end at which it is easiest to fulfil decides whether there is anything to look for.
    if (auto wrong = attempt(minimise ? high : low)) return failure(std::move(*wrong));
    if (out_.trials.back().sufficient != Sufficient::yes) return finish();
    out_.best = out_.trials.back().value;
    while (low < high && !stopped()) {
      const std::int64_t middle = minimise ? low + (high - low) / 2 : low + (high - low + 1) / 2;
      if (middle == *out_.best) break;
      if (auto wrong = attempt(middle)) return failure(std::move(*wrong));
      const Sufficient sufficient = out_.trials.back().sufficient;
      if (sufficient == Sufficient::yes) {
        out_.best = middle;
        (minimise ? high : low) = middle;
      } else {
        // What is undecided is not promised to suffice: the answer errs on the safe side, and says so.
        out_.inconclusive = out_.inconclusive || sufficient == Sufficient::undecided;
        (minimise ? low : high) = minimise ? middle + 1 : middle - 1;
      }
    }
    return finish();
  }

 private:
  bool stopped() const { return !out_.problem.empty() || (options_.stop != nullptr && options_.stop->load()); }

  SearchResult finish() {
    if (!out_.best && !out_.trials.empty() && out_.trials.back().sufficient == Sufficient::undecided)
      out_.inconclusive = true;
    if (stopped()) out_.inconclusive = true;
    return std::move(out_);
  }

  std::optional<std::vector<Diagnostic>> attempt(std::int64_t value) {
    std::vector<SetOverride> overrides = plan_.overrides;
    overrides.push_back({spec_.minimise.empty() ? spec_.maximise : spec_.minimise, std::to_string(value)});
    // The condition takes the place of the scenario's own assertions: one outcome a run.
    std::string text = spec_.such_that;
    for (std::size_t at = 0; (at = text.find('\'', at)) != std::string::npos; at += 2) text.insert(at, 1, '\'');
    overrides.push_back({"assertions", "['" + text + "']"});
    auto read = read_runnable(plan_.scenario_file, overrides);
    if (!read.has_value()) return std::move(read.error());
    Trial trial;
    trial.value = value;
    while (trial.sufficient == Sufficient::undecided && trial.n < plan_.replications.max && !stopped())
      more_runs(read.value(), trial);
    out_.trials.push_back(trial);
    return std::nullopt;
  }

  void more_runs(const Scenario& scenario, Trial& trial) {
    const auto count = std::min(kRunsBetweenLooks, static_cast<std::size_t>(plan_.replications.max - trial.n));
    std::vector<std::optional<Replication>> runs(count);
    parallel_for(
        count, options_.jobs,
        [&](std::size_t i) {
          const std::uint64_t seed = scenario.seed + static_cast<std::uint64_t>(trial.n) + i;
          runs[i] = run_once(scenario, seed, {}, options_.store);
        },
        options_.stop);
    for (const std::optional<Replication>& run : runs) {
      if (!run) return;  // interrupted
      if (run->exit_code == 1 || run->exit_code == 2) {
        out_.problem = fmt::format("seed {}: {}", run->seed, run->problem);
        return;
      }
      ++trial.n;
      trial.held += run->exit_code == 0 ? 1 : 0;
      trial.sufficient = decide(spec_, trial.held, trial.n);
      if (trial.sufficient != Sufficient::undecided) return;
    }
  }

  const StudyPlan& plan_;
  const SearchSpec& spec_;
  const RunnerOptions& options_;
  SearchResult out_;
};

}  // namespace

Sufficient decide(const SearchSpec& spec, std::int64_t held, std::int64_t n) {
  const double level = spec.confidence.fraction();
  const double wanted = spec.share.fraction();
  if (confidence::share_at_least(held, n, level) >= wanted) return Sufficient::yes;
  if (confidence::share_at_most(held, n, level) < wanted) return Sufficient::no;
  return Sufficient::undecided;
}

Result<SearchResult, std::vector<Diagnostic>> run_search(const StudyPlan& plan, const RunnerOptions& options) {
  return Search(plan, options).run();
}

}  // namespace dvt::sim
