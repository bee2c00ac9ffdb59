#include "sim/study/runner.h"

#include <algorithm>
#include <mutex>

#include "engine/base/confidence.h"
#include "engine/base/format.h"
#include "sim/slo/result_paths.h"
#include "sim/study/execute.h"
#include "sim/study/parallel.h"

namespace dvt::sim {
namespace {

std::string first_problem(const Verdict& verdict) {
  for (const InvariantResult& invariant : verdict.invariants)
    if (invariant.violations > 0 && invariant.known_fault == 0)
      return fmt::format("invariant {}: {} violations", invariant.name, invariant.violations);
  for (const AssertionResult& assertion : verdict.assertions)
    if (!assertion.passed) return fmt::format("{}: {} ({})", assertion.where, assertion.text, assertion.observed);
  return verdict.decided_by;
}

// The smallest number of runs, from `min`, whose interval is narrow enough; 0: none so far.
std::size_t enough(const StudyPlan& plan, const std::vector<Replication>& runs) {
  const Replications& wanted = plan.replications;
  const auto is_of = [&](const StudyMeasure& one) { return one.path == wanted.of; };
  const auto of = std::find_if(plan.measures.begin(), plan.measures.end(), is_of);
  const auto index = static_cast<std::size_t>(of - plan.measures.begin());
  std::vector<double> seen;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (const auto& value = runs[i].values.at(index)) seen.push_back(value->number);
    if (i + 1 < static_cast<std::size_t>(wanted.min) || seen.size() < 2) continue;
    const confidence::Mean mean = confidence::mean(seen, wanted.confidence.fraction());
    const double size = mean.mean < 0 ? -mean.mean : mean.mean;
    if (mean.half_width <= size * wanted.rel_half_width->fraction()) return i + 1;
  }
  return 0;
}

}  // namespace

Replication run_once(const Scenario& scenario, std::uint64_t seed, const std::vector<StudyMeasure>& measures,
                     const std::string& store) {
  Replication out;
  out.seed = seed;
  out.values.resize(measures.size());
  try {
    Scenario own = scenario;
    own.seed = seed;
    ExecuteOptions options;
    options.world.store = store;
    const Executed executed = execute(own, std::move(options));
    const VerdictView view(executed.verdict);
    for (std::size_t i = 0; i < measures.size(); ++i) out.values[i] = view.lookup(measures[i].path);
    out.fingerprint = executed.verdict.identity.fingerprint;
    out.exit_code = static_cast<int>(executed.verdict.exit_code);
    if (out.exit_code != 0) out.problem = first_problem(executed.verdict);
  } catch (const Error& error) {
    out.exit_code = 2;
    out.problem = error.what();
  } catch (const std::exception& error) {
    out.exit_code = 1;
    out.problem = fmt::format("internal error: {}", error.what());
  }
  return out;
}

std::vector<CellRuns> run_cells(const StudyPlan& plan, const RunnerOptions& options) {
  struct Job {
    std::size_t cell;
    std::size_t slot;
    std::uint64_t seed;
  };
  const bool sequential = plan.replications.rel_half_width.has_value() && options.shards == 1;
  const auto max = static_cast<std::size_t>(plan.replications.max);
  std::vector<CellRuns> cells(plan.cells.size());
  std::vector<bool> done(plan.cells.size(), false);
  std::vector<std::size_t> begun(plan.cells.size(), 0);  // replications given out, of this shard or not
  std::mutex progress_mutex;
  std::size_t finished = 0;
  const std::size_t most = (max * plan.cells.size() + options.shards - 1) / options.shards;
  for (;;) {
    std::vector<Job> jobs;
    for (std::size_t c = 0; c < cells.size(); ++c) {
      if (done[c]) continue;
      const std::size_t first = begun[c];
      const std::size_t last = std::min(max, sequential ? first + kRunsBetweenLooks : max);
      for (std::size_t i = first; i < last; ++i) {
        if (i % options.shards != options.shard) continue;
        jobs.push_back({c, cells[c].runs.size(), plan.cells[c].scenario.seed + i});
        cells[c].runs.emplace_back();
      }
      begun[c] = last;
      if (last == max) done[c] = true;
    }
    if (jobs.empty()) break;
    std::vector<char> ran(jobs.size(), 0);
    parallel_for(
        jobs.size(), options.jobs,
        [&](std::size_t at) {
          const Job& job = jobs[at];
          cells[job.cell].runs[job.slot] =
              run_once(plan.cells[job.cell].scenario, job.seed, plan.measures, options.store);
          ran[at] = 1;
          const std::lock_guard<std::mutex> lock(progress_mutex);
          if (options.progress) options.progress(++finished, most);
        },
        options.stop);
    // Interrupted: what did not run leaves no gap in the middle of a cell.
    for (std::size_t at = jobs.size(); at-- > 0;) {
      if (ran[at] != 0) continue;
      cells[jobs[at].cell].runs.resize(std::min(cells[jobs[at].cell].runs.size(), jobs[at].slot));
      cells[jobs[at].cell].precise = false;
    }
    if (options.stop != nullptr && options.stop->load()) break;
    if (!sequential) continue;
    for (std::size_t c = 0; c < cells.size(); ++c) {
      const std::size_t n = enough(plan, cells[c].runs);
      cells[c].precise = n > 0;
      if (n == 0) continue;
      cells[c].runs.resize(n);
      done[c] = true;
    }
  }
  return cells;
}

}  // namespace dvt::sim
