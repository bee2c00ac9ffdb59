// Reads a run.db that is finished: the tables of README.md, as values. Read-only; any number of readers at once.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/time.h"
#include "sim/measure/series.h"
#include "sim/record/sample_codec.h"
#include "store/db/database.h"

namespace dvt::sim {

/// One row of `history` without its JSON.
struct RecordedExecution {
  std::uint32_t run_no = 0;
  std::string run_id;       // of the first execution of its chain: the run's, or a child's own
  std::uint32_t child = 0;  // 0: the run's own execution; otherwise the child's number in the run's tree
  std::uint32_t chain = 0;  // place in the continue-as-new chain, from 0
  std::uint32_t events = 0;
};

/// One row of `series`.
struct RecordedSeries {
  std::uint32_t series_no = 0;
  std::string name;  // a histogram's with _bucket, _sum or _count
  LabelPairs labels;
  MetricKind kind = MetricKind::counter;
};

class RunFile {
 public:
  /// `directory` is what `run --out` wrote. Throws dvt::Error when it holds no run.db, or one of another format.
  explicit RunFile(const std::string& directory);

  /// A value of `meta`; empty when it is not there.
  std::string meta(std::string_view key);
  /// By run, child and place in the chain.
  std::vector<RecordedExecution> executions();
  /// Temporal's JSON form.
  std::string history_json(const RecordedExecution& execution);
  /// The scenario's start: instants in the file count from it.
  UnixNanos start();
  /// By number: in order of their creation.
  std::vector<RecordedSeries> series();
  /// A series' samples from `from` to `to` in order, and some before and after; NaN where it was absent. It has none
  /// before its first one.
  std::vector<Sample> samples(std::uint32_t series_no, Instant from, Instant to);
  /// The instants at which the run was sampled, in order; the last one is its end.
  std::vector<Instant> sample_times();
  /// True when the file knows the run, with or without its history.
  bool has_run(std::string_view run_id);

 private:
  store::db::Database db_;
};

}  // namespace dvt::sim
